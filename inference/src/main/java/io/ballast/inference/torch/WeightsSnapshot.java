package io.ballast.inference.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/** A copy of weights, free to be handed to another thread. Closed by whoever took it. */
public final class WeightsSnapshot implements AutoCloseable {
  private final ParameterLayout layout;
  private final Tensor flat;

  private WeightsSnapshot(ParameterLayout layout, Tensor flat) {
    this.layout = layout;
    this.flat = flat;
  }

  static WeightsSnapshot of(TrainedWeights weights) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor copy = weights.flat().detach().clone();
      copy.retainReference();
      return new WeightsSnapshot(weights.layout(), copy);
    }
  }

  /** The shape of the model that the weights are of. */
  public DecoderConfig config() {
    return layout.config();
  }

  /** Copies the weights to {@code target}. */
  void copyTo(TrainedWeights target) {
    if (!target.layout().config().equals(config())) {
      throw new IllegalArgumentException(
          "weights: of " + config() + " (expected: " + target.layout().config() + ")");
    }
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      target.write(0, flat);
    }
    target.changed();
  }

  @Override
  public void close() {
    flat.releaseReference();
  }
}
