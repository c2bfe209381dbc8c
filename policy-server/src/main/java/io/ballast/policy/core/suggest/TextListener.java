package io.ballast.policy.core.suggest;

/** Who reads a suggestion as it is generated. */
@FunctionalInterface
public interface TextListener {
  /**
   * Takes more text, in order; may wait until the reader is ready.
   *
   * @throws java.util.concurrent.CancellationException if the reader has left
   */
  void onText(String delta);

  /** Nobody reads along. */
  static TextListener none() {
    return delta -> {};
  }
}
