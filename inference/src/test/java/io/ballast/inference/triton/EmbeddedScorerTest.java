package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.OnnxScorer;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** {@link ScorerContract} in this process. */
class EmbeddedScorerTest extends ScorerContract {
  @TempDir private static Path cache;

  @Override
  CompletionScorer open(String name, String version) {
    return OnnxScorer.open(
        MODELS.resolve("java-tiny/1"), MODELS.resolve(name).resolve(version), cache, 1);
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.INVALID_FOLDER;
  }
}
