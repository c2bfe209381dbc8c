package io.ballast.inference.torch;

import io.ballast.inference.torch.DecoderNetwork.Rotation;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Cosines and sines of every position of a context. */
final class RotaryTable implements AutoCloseable {
  private final Tensor cosine;
  private final Tensor signedSine;

  RotaryTable(DecoderConfig config, ScalarType type) {
    int size = config.headSize();
    int half = size / 2;
    int positions = config.contextTokens();
    double[] cosines = new double[positions * size];
    double[] sines = new double[positions * size];
    for (int t = 0; t < positions; t++) {
      for (int i = 0; i < half; i++) {
        double angle = t * Math.pow(config.ropeTheta(), -2.0 * i / size);
        int at = t * size + i;
        cosines[at] = Math.cos(angle);
        cosines[at + half] = Math.cos(angle);
        sines[at] = -Math.sin(angle);
        sines[at + half] = Math.sin(angle);
      }
    }
    try (PointerScope scope = new PointerScope()) {
      cosine = Tensors.of(cosines, positions, size).to(type);
      signedSine = Tensors.of(sines, positions, size).to(type);
      cosine.retainReference();
      signedSine.retainReference();
    }
  }

  /** Returns the rotation of rows whose tokens stand at 0, 1, …, {@code length} − 1. */
  Rotation first(long length) {
    return new Rotation(
        cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
        signedSine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2));
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
