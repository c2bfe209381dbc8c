package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** A small decoder in a folder, and adapters that learn on it. */
final class LoraBase {
  static final int[][] ROWS = TinyModels.rows(4, 17, 1);
  static final List<CompletionGroup> GROUPS =
      List.of(
          new CompletionGroup(
              TokenIds.of(3, 17, 5, 9),
              List.of(TokenIds.of(1, 2, 3, 4, 5), TokenIds.of(30), TokenIds.of(8, 8, 0))),
          new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(), TokenIds.of(7, 6))));
  static final LoraOptions ALL = new LoraOptions(2, 6, EnumSet.allOf(LoraProjection.class));
  static final LoraOptions SOME =
      new LoraOptions(3, 3, Set.of(LoraProjection.V_PROJ, LoraProjection.Q_PROJ));

  final Path model;
  final Path tokenizer;

  /** Trains one and saves it below {@code folder}. */
  LoraBase(Path folder) throws IOException {
    model = folder.resolve("model");
    tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      for (int i = 0; i < 20; i++) {
        decoder.trainStep(TinyModels.rows(4, 17, 2), 1e-2);
      }
      decoder.save(model, WeightType.FLOAT32, tokenizer, Map.of());
    }
  }

  FrozenDecoder load(Arithmetic arithmetic) {
    return FrozenDecoder.load(model, arithmetic);
  }

  static TrainableDecoder adapting(FrozenDecoder base, LoraOptions adapters) {
    return TrainableDecoder.adapting(
        base,
        adapters,
        TrainingOptions.of(OptimizerOptions.pretraining()),
        new SplittableRandom(5));
  }

  static void train(TrainableDecoder decoder, int steps) {
    for (int i = 0; i < steps; i++) {
      decoder.trainStep(ROWS, 1e-2);
    }
  }
}
