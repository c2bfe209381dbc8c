package io.ballast.workshop.collect;

import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.workshop.tokenizer.BpeModel;
import io.ballast.workshop.tokenizer.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** Makes a decoder folder that has learnt one line by heart, so that it is sometimes right. */
public final class TinyDecoder {
  private static final int VOCABULARY = 320;
  private static final int STEPS = 60;

  private TinyDecoder() {}

  /** Writes the folder; {@code text} is what it learns, over and over. */
  public static Path write(Path folder, String text) throws IOException {
    TorchRuntime.setThreads(1);
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(text);
    BpeModel tokenizer = trainer.train(VOCABULARY);
    Path work = Files.createDirectories(folder.resolveSibling("tokenizer"));
    tokenizer.write(work);
    DecoderConfig config =
        new DecoderConfig(24, 48, 2, 4, 2, VOCABULARY, 64, 1e-5, 10_000, true, 0, 0);
    int[] ids = tokenizer.encode(text.repeat(64));
    SplittableRandom random = new SplittableRandom(5);
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            config, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), random)) {
      for (int step = 0; step < STEPS; step++) {
        int[][] rows = new int[4][33];
        for (int[] row : rows) {
          System.arraycopy(ids, random.nextInt(ids.length - row.length), row, 0, row.length);
        }
        double loss = decoder.trainStep(rows, 1e-2).loss();
        assert Double.isFinite(loss);
      }
      decoder.save(folder, WeightType.FLOAT32, work.resolve("tokenizer.json"), Map.of());
    }
    return folder;
  }
}
