package io.ballast.inference.torch;

import io.ballast.inference.torch.DecoderNetwork.Rotation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Cosines and sines of every position of a context. */
final class RotaryTable implements AutoCloseable {
  private static final int PIECE = 4096;

  private final Tensor cosine;
  private final Tensor signedSine;
  private final MemorySegment cosineMemory;
  private final MemorySegment sineMemory;

  RotaryTable(DecoderConfig config, ScalarType type) {
    int size = config.headSize();
    int positions = config.contextTokens();
    double[] frequencies = config.ropeScaling().frequencies(config.ropeTheta(), size);
    double factor = config.ropeScaling().attentionFactor();
    try (PointerScope scope = new PointerScope()) {
      cosine = Tensors.empty(type, positions, size);
      signedSine = Tensors.empty(type, positions, size);
      cosineMemory = Tensors.memory(cosine);
      sineMemory = Tensors.memory(signedSine);
      for (int from = 0; from < positions; from += PIECE) {
        fill(from, Math.min(PIECE, positions - from), frequencies, factor);
      }
      cosine.retainReference();
      signedSine.retainReference();
    }
  }

  /** Fills in some positions: a long context's table is never on the heap as a whole. */
  private void fill(int from, int count, double[] frequencies, double factor) {
    int half = frequencies.length;
    int size = 2 * half;
    double[] cosines = new double[count * size];
    double[] sines = new double[count * size];
    for (int t = 0; t < count; t++) {
      for (int i = 0; i < half; i++) {
        double angle = (from + t) * frequencies[i];
        int at = t * size + i;
        cosines[at] = factor * Math.cos(angle);
        cosines[at + half] = cosines[at];
        sines[at] = -factor * Math.sin(angle);
        sines[at + half] = -sines[at];
      }
    }
    try (PointerScope scope = new PointerScope()) {
      cosine.narrow(0, from, count).copy_(Tensors.of(cosines, count, size));
      signedSine.narrow(0, from, count).copy_(Tensors.of(sines, count, size));
    }
  }

  /** Returns the rotation of rows whose tokens stand at 0, 1, …, {@code length} − 1. */
  Rotation first(long length) {
    return new Rotation(
        cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
        signedSine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2));
  }

  /**
   * Copies the cosines and signed sines of a position, E numbers each.
   *
   * @param at where they begin
   */
  void copy(long position, float[] cosines, float[] signedSines, int at) {
    int size = (int) cosine.size(1);
    long from = position * size * Float.BYTES;
    MemorySegment.copy(cosineMemory, ValueLayout.JAVA_FLOAT, from, cosines, at, size);
    MemorySegment.copy(sineMemory, ValueLayout.JAVA_FLOAT, from, signedSines, at, size);
  }

  /** Returns the rotation of tokens at {@code positions}, shape [B, T]. */
  Rotation at(Tensor positions) {
    long rows = positions.size(0);
    long tokens = positions.size(1);
    Tensor flat = positions.reshape(-1);
    return new Rotation(
        cosine.index_select(0, flat).view(rows, tokens, 1, cosine.size(1)),
        signedSine.index_select(0, flat).view(rows, tokens, 1, cosine.size(1)));
  }

  @Override
  public void close() {
    cosine.releaseReference();
    signedSine.releaseReference();
  }
}
