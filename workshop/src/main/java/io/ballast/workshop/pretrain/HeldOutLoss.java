package io.ballast.workshop.pretrain;

import io.ballast.inference.torch.TrainableDecoder;

/** Measures a decoder on sources that trained nothing, always on the same windows. */
final class HeldOutLoss {
  private final TokenFile tokens;
  private final double bytesPerToken;

  HeldOutLoss(TokenFile tokens, double bytesPerToken) {
    this.tokens = tokens;
    this.bytesPerToken = bytesPerToken;
  }

  /**
   * Returns the mean loss in nats a token over {@code count} windows spread evenly, or over all if
   * there are fewer.
   */
  double measure(TrainableDecoder decoder, int count, int rows, int length) {
    int windows = Math.min(count, tokens.windows(length));
    double sum = 0;
    for (int first = 0; first < windows; first += rows) {
      int[][] batch = new int[Math.min(rows, windows - first)][];
      for (int r = 0; r < batch.length; r++) {
        long window = (long) (first + r) * tokens.windows(length) / windows;
        batch[r] = tokens.window((int) window * length, length);
      }
      sum += batch.length * decoder.meanLoss(batch);
    }
    return sum / windows;
  }

  /** Returns {@code nats} a token as bits a byte of source. */
  double bitsPerByte(double nats) {
    return nats / Math.log(2) / bytesPerToken;
  }
}
