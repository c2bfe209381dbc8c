package io.ballast.training.reward;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * People who like completions that end a statement: {@code ;} beats {@code ,}; and training on what
 * they say, with the decoder that comes along.
 */
final class Semicolons {
  static final StoredModel TRUNK =
      new ModelStore(Path.of("../models")).find("java-tiny", "1").orElseThrow();

  private Semicolons() {}

  static List<Judgement> pairs(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Judgement> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String value = "value" + random.nextInt(1_000);
      pairs.add(
          new Judgement.Pair(
              new PromptText.Plain("int " + value + " = " + random.nextInt(100)),
              " + " + value + ";",
              " + " + value + ",",
              0,
              1,
              new Source(i + 1, "user" + i % 60, "")));
    }
    return pairs;
  }

  static RewardTraining.Trained train(RewardPlan plan, List<Judgement> judgements, Path work)
      throws IOException, UnusableDataException {
    RewardTraining.Listener silent =
        new RewardTraining.Listener() {
          @Override
          public void features(int done, int all) {}

          @Override
          public void member(String line) {}
        };
    return new RewardTraining(plan, work, 1, silent)
        .train(new JudgementData(judgements, List.of(), 0, "d1"), TRUNK, false);
  }
}
