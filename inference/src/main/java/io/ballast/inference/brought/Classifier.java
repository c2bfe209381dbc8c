package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.kit.call.CallPatience;
import java.util.List;
import java.util.Optional;

/** A sequence classifier of any engine. Thread-safe. */
interface Classifier extends AutoCloseable {
  /** The number of outputs, K. */
  int labels();

  /** The longest row that it reads, in tokens. */
  int maxTokens();

  /** Ids of tokens are below this. */
  int vocabularySize();

  /** Why it is ready nowhere, where it runs elsewhere; as far as it is known by now. */
  default Optional<String> noneReady() {
    return Optional.empty();
  }

  /**
   * Returns the outputs of every row before any softmax, shape [N] of [K]; one that has none fails
   * alone. They do not depend on company but for the last bits of sums.
   *
   * @param rows shape [N], each of 1 to {@link #maxTokens} tokens
   * @param callers an engine elsewhere is told to stop when they leave
   * @throws io.ballast.inference.api.ModelException if the engine fails
   * @throws io.ballast.kit.error.MeshException if it is elsewhere, and can do nothing for anybody
   */
  List<EncodingOutcome> outputs(List<TokenIds> rows, CallPatience callers);

  /** Frees the model after runs under way have ended. */
  @Override
  void close();
}
