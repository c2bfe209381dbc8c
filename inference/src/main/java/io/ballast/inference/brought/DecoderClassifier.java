package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.SequenceClassifier;
import io.ballast.kit.call.CallPatience;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A decoder with a classifier's head, such as one of the Llama family, in libtorch and 32 bits. */
final class DecoderClassifier implements Classifier {
  private final SequenceClassifier classifier;

  private DecoderClassifier(SequenceClassifier classifier) {
    this.classifier = classifier;
  }

  static DecoderClassifier open(Path folder, Optional<Pooling> pooling) {
    if (pooling.isPresent() && pooling.get() != Pooling.LAST_TOKEN) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: pooling: %s (expected: last, or none: a decoder's last token alone saw all of a text)"
              .formatted(folder, pooling.get().code()));
    }
    return new DecoderClassifier(SequenceClassifier.load(folder, Arithmetic.FLOAT32));
  }

  @Override
  public int labels() {
    return classifier.labels();
  }

  @Override
  public int maxTokens() {
    return classifier.config().contextTokens();
  }

  @Override
  public int vocabularySize() {
    return classifier.config().vocabularySize();
  }

  @Override
  public List<EncodingOutcome> outputs(List<TokenIds> rows, CallPatience callers) {
    return classifier.uncheckedScores(rows).stream().map(DecoderClassifier::outcome).toList();
  }

  private static EncodingOutcome outcome(PerToken scores) {
    for (int k = 0; k < scores.size(); k++) {
      if (!Float.isFinite(scores.get(k))) {
        return new Refusal(
            Refusal.Reason.NOT_FINITE,
            "logits[" + k + "]: " + scores.get(k) + " (expected: finite)");
      }
    }
    return new EncodingOutcome.Encoded(FeatureVector.of(scores.toArray()));
  }

  @Override
  public void close() {
    classifier.close();
  }
}
