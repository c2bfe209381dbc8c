package io.ballast.reward.testing;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.testing.ByteTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** A random decoder of one block, with a tokenizer that has one token for each byte. */
public final class TinyModel {
  public static final String NAME = "tiny";
  public static final String VERSION = "1";

  /** The token of the byte {@code b} is b + 1; token 0 ends a text. */
  private static final int VOCABULARY = ByteTokenizer.VOCABULARY;

  private static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 1, 2, 2, VOCABULARY, 48, 1e-5, 10_000, true, 0, 0);

  private TinyModel() {}

  /** Writes version 1 of the model below {@code root}. */
  public static void writeTo(Path root) {
    TorchRuntime.setThreads(1);
    Path folder = root.resolve(NAME).resolve(VERSION);
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            CONFIG, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), new SplittableRandom(7))) {
      Path tokenizer = Files.createTempDirectory("tokenizer");
      decoder.save(folder, WeightType.FLOAT32, ByteTokenizer.write(tokenizer), Map.of());
      ModelStore.deleteAll(tokenizer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The checksum of version 1 below {@code root}. */
  public static String sha256(Path root) {
    return ModelManifest.read(root.resolve(NAME).resolve(VERSION))
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow();
  }
}
