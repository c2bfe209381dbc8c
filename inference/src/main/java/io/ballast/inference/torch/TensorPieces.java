package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile.Source;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/** Long runs of numbers between tensors and files, of which only a piece is on the heap. */
final class TensorPieces {
  private static final long PIECE_NUMBERS = 1 << 18;

  private TensorPieces() {}

  /**
   * Gives numbers of a flat buffer, rounded to 32 bits.
   *
   * @param offset of the first
   */
  static Source of(Tensor flat, long offset, long count) {
    return piece -> {
      for (long done = 0; done < count; done += PIECE_NUMBERS) {
        long part = Math.min(PIECE_NUMBERS, count - done);
        piece.take(floats(flat, offset + done, part), (int) part, done);
      }
    };
  }

  private static float[] floats(Tensor flat, long offset, long count) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return Tensors.floats(flat.narrow(0, offset, count));
    }
  }

  /** Writes the first {@code count} of {@code values} to a flat buffer from {@code offset} on. */
  static void put(Tensor flat, long offset, float[] values, int count) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      flat.narrow(0, offset, count).copy_(Tensors.first(values, count));
    }
  }
}
