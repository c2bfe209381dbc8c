package io.ballast.orchestrator.testing;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.testing.ByteTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A random decoder of one block, with a tokenizer that has one token for each byte. */
public final class TinyModel {
  public static final String NAME = "tiny";
  public static final String VERSION = "1";
  public static final PinnedVersion BASE = new PinnedVersion(NAME, VERSION, "");

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

  /** What opens it where it was written below {@code root}/models. */
  public static TorchTraineeLoader loader(Path root) {
    return new TorchTraineeLoader(
        new ModelFolders(List.of(root.resolve("models")), root.resolve("learner")),
        Arithmetic.FLOAT32,
        4,
        8,
        1,
        new TorchTraineeLoader.Memory(1L << 30, 1));
  }

  /** Opens it where it was written below {@code root}/models. */
  public static Trainee open(Path root, TraineeOptions options) {
    return loader(root).load(BASE, options);
  }

  /** The checksum of version 1 below {@code root}. */
  public static String sha256(Path root) {
    return ModelManifest.read(root.resolve(NAME).resolve(VERSION))
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow();
  }
}
