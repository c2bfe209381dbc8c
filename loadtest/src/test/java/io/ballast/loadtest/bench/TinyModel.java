package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.testing.ByteTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** A random decoder whose two query heads share a key head, with one token for each byte. */
final class TinyModel {
  private static final DecoderConfig CONFIG =
      new DecoderConfig(32, 48, 2, 4, 2, ByteTokenizer.VOCABULARY, 128, 1e-5, 10_000, true, 0, 0);

  private TinyModel() {}

  static Path write(Path folder) throws IOException {
    TorchRuntime.setThreads(1);
    Path tokenizer = Files.createTempDirectory("tokenizer");
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            CONFIG, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), new SplittableRandom(7))) {
      decoder.save(folder, WeightType.FLOAT32, ByteTokenizer.write(tokenizer), Map.of());
    }
    ModelStore.deleteAll(tokenizer);
    return folder;
  }
}
