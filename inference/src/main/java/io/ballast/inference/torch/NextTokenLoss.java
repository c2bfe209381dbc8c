package io.ballast.inference.torch;

import io.ballast.inference.api.NotFiniteException;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/** The mean cross-entropy of rows' next tokens, by which a decoder is pretrained; nats a token. */
final class NextTokenLoss {
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Trained trained;

  /**
   * @param weights of the decoder
   * @param trained gets the gradients
   */
  NextTokenLoss(TrainedWeights weights, RotaryTable rotary, Trained trained) {
    this.weights = weights;
    this.rotary = rotary;
    this.trained = trained;
  }

  /**
   * Adds its gradients. The caller has opened a scope.
   *
   * @return the loss
   * @throws NotFiniteException if it is not finite
   */
  double backward(TokenRows rows) {
    Tensor input = headInput(rows);
    double[] lossSum = new double[1];
    Tensor byInput =
        head()
            .crossEntropy(
                input.detach(), rows.targets(), trained.headGradients().orElse(null), lossSum);
    double loss = requireFinite(lossSum[0] / input.size(0));
    input.backward(byInput, new BoolOptional(), false, new TensorArrayRefOptional());
    return loss;
  }

  /**
   * Returns the loss; changes nothing.
   *
   * @throws NotFiniteException if it is not finite
   */
  double mean(TokenRows rows) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return requireFinite(head().meanCrossEntropy(headInput(rows), rows.targets()));
    }
  }

  private LanguageHead head() {
    return new LanguageHead(weights.network().head().detach(), weights.fullType());
  }

  /** The head's input at every token but the last of each row, shape [B · T, D]. */
  private Tensor headInput(TokenRows rows) {
    Tensor residual =
        weights
            .network()
            .hidden(
                rows.inputs(),
                rotary.first(rows.length()),
                DecoderNetwork.withoutMemory(null),
                trained.products());
    return weights.network().normalized(residual.view(-1, weights.layout().config().hiddenSize()));
  }

  private static double requireFinite(double loss) {
    if (!Double.isFinite(loss)) {
      throw new NotFiniteException("loss: " + loss + " (expected: finite)");
    }
    return loss;
  }
}
