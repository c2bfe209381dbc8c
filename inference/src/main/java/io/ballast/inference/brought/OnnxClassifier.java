package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.inference.onnx.Pooling;
import io.ballast.kit.call.CallPatience;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A classifier in ONNX, such as one of the BERT family. */
final class OnnxClassifier implements Classifier {
  private final OnnxEncoder encoder;

  private OnnxClassifier(OnnxEncoder encoder) {
    this.encoder = encoder;
  }

  static OnnxClassifier open(Path folder, Optional<Pooling> pooling, EncoderOptions options) {
    OnnxEncoder encoder = OnnxEncoder.open(folder, options, pooling);
    if (!encoder.description().classifier()) {
      encoder.close();
      throw new ModelException(
          Reason.INVALID_FOLDER,
          folder + ": model.onnx: an encoder of texts (expected: a classifier, with logits)");
    }
    return new OnnxClassifier(encoder);
  }

  @Override
  public int labels() {
    return encoder.width();
  }

  @Override
  public int maxTokens() {
    return encoder.maxTokens();
  }

  @Override
  public int vocabularySize() {
    return encoder.largestTokenId() + 1;
  }

  @Override
  public List<EncodingOutcome> outputs(List<TokenIds> rows, CallPatience callers) {
    return encoder.encodeTokens(rows);
  }

  @Override
  public void close() {
    encoder.close();
  }
}
