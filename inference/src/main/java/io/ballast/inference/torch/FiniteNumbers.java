package io.ballast.inference.torch;

import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.SafetensorsFile.Piece;

/** Tensors on their way to where nothing is loaded from that has a number that is not finite. */
final class FiniteNumbers {
  private FiniteNumbers() {}

  /**
   * Returns the same tensor; whoever reads it gets a {@link NotFiniteException} that names the
   * first number that is not finite.
   */
  static Content of(Content content) {
    return new Content(
        content.name(),
        content.type(),
        content.shape(),
        piece -> content.source().read(finite(content.name(), piece)));
  }

  private static Piece finite(String name, Piece piece) {
    return (values, count, at) -> {
      for (int i = 0; i < count; i++) {
        if (!Float.isFinite(values[i])) {
          throw new NotFiniteException(
              "tensor %s[%d]: %s (expected: finite)".formatted(name, at + i, values[i]));
        }
      }
      piece.take(values, count, at);
    };
  }
}
