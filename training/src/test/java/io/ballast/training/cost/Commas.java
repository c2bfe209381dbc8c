package io.ballast.training.cost;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.Judgement.SafetyLabels;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.scoring.HeadTrainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * People to whom a statement that does not end does harm: {@code ,} is unsafe and {@code ,,} more
 * so, {@code ;} is safe and {@code ;;} less so. A quarter of their pairs are of two unsafe, a
 * quarter of two safe ones; the others lead from one kind to the other, without which an order
 * alone would not say which is worse.
 */
final class Commas {
  static final StoredModel TRUNK =
      new ModelStore(Path.of("../models")).find("java-tiny", "1").orElseThrow();

  private static final String[][] PAIRS = {{",", ";"}, {",,", ","}, {";;", ";"}, {",", ";;"}};

  private Commas() {}

  static List<Judgement> pairs(int count, long seed, boolean labelled) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Judgement> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String value = "value" + random.nextInt(1_000);
      String[] ends = PAIRS[i % PAIRS.length];
      pairs.add(
          new Judgement.Pair(
              new PromptText.Plain("int " + value + " = " + random.nextInt(100)),
              " + " + value + ends[0],
              " + " + value + ends[1],
              0,
              1,
              new Source(i + 1, "", ""),
              labelled
                  ? Optional.of(new SafetyLabels(ends[0].contains(","), ends[1].contains(",")))
                  : Optional.empty()));
    }
    return pairs;
  }

  static RewardPlan plan(int members) {
    return new RewardPlan(
        members,
        false,
        0,
        0,
        SplitBy.PROMPT,
        SplitRule.tenths(1),
        96,
        1,
        HeadTrainer.Options.defaults().withEpochs(15));
  }

  static RewardTraining.Trained train(
      CostForm form, int members, List<Judgement> judgements, Path work)
      throws IOException, UnusableDataException {
    RewardTraining.Listener silent =
        new RewardTraining.Listener() {
          @Override
          public void features(int done, int all) {}

          @Override
          public void member(String line) {}
        };
    return new CostTraining(CostPlan.of(form, plan(members)), work, 1, silent)
        .train(new JudgementData(judgements, List.of(), 0, "d1"), TRUNK, false);
  }
}
