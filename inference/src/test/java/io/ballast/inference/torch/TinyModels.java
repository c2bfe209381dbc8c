package io.ballast.inference.torch;

import java.util.Random;
import java.util.SplittableRandom;

/** Models and token rows small enough to compute in a moment. */
final class TinyModels {
  static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 2, 4, 2, 40, 32, 1e-5, 10_000, true, 0, 0);
  static final DecoderConfig UNTIED =
      new DecoderConfig(16, 24, 2, 4, 4, 40, 32, 1e-5, 10_000, false, 0, 0);

  private TinyModels() {}

  static TrainableDecoder trainable(DecoderConfig config, Arithmetic arithmetic) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(
        config, arithmetic, OptimizerOptions.pretraining(), new SplittableRandom(7));
  }

  /** Rows of ids of which every second follows from the one before. */
  static int[][] rows(int rows, int length, long seed) {
    Random random = new Random(seed);
    int[][] tokens = new int[rows][length];
    for (int[] row : tokens) {
      for (int t = 0; t < length; t++) {
        row[t] = t % 2 == 0 ? random.nextInt(40) : (row[t - 1] * 7 + 1) % 40;
      }
    }
    return tokens;
  }
}
