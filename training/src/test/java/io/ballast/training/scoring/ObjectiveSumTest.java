package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import io.ballast.training.scoring.ObjectiveSum.Summand;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** Members' sums over objectives, on features that need no trunk. */
class ObjectiveSumTest {
  private static final List<ScoringFeature> FEATURES =
      List.of(ScoringFeature.SUM_LOG_PROB, ScoringFeature.MEAN_LOG_PROB, ScoringFeature.LENGTH);

  /** Pairs of which the one with more of the first feature is better. */
  private static FeatureTable pairs(int first, int count) {
    List<JudgedGroup> groups = new ArrayList<>();
    List<List<FeatureVector>> features = new ArrayList<>();
    for (int p = first; p < first + count; p++) {
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(p);
      FeatureVector a = vector(random);
      FeatureVector b = vector(random);
      int winner = a.toArray()[0] > b.toArray()[0] ? 0 : 1;
      groups.add(
          new JudgedGroup(
              "pair " + p,
              TokenIds.of(p),
              List.of(TokenIds.of(1), TokenIds.of(2)),
              List.of(new Preference(winner, 1 - winner, 0, 1)),
              List.of(Grade.NONE, Grade.NONE)));
      features.add(List.of(a, b));
    }
    return FeatureTable.of(FEATURES.size(), groups, features);
  }

  private static FeatureVector vector(RandomGenerator random) {
    return FeatureVector.of(
        (float) (5 + 3 * random.nextGaussian()),
        (float) random.nextGaussian(),
        (float) random.nextGaussian());
  }

  private static Summand summand(String name, double weight, FeatureTable table, int members) {
    EnsembleTrainer trainer =
        new EnsembleTrainer(
            new EnsembleTrainer.Plan(
                ScoringKind.REWARD_ENSEMBLE,
                members,
                new GroupLoss.Preferences(BradleyTerryLoss.plain()),
                false,
                OptionalInt.of(0),
                1,
                HeadTrainer.Options.defaults().withEpochs(4)),
            FEATURES,
            8,
            new TrunkReference("tiny", "1", "0".repeat(64)),
            line -> {});
    GroupSplit split = GroupSplit.of(table, SplitRule.tenths(1));
    TrainedMembers trained = trainer.members(table, split);
    return new Summand(
        name,
        weight,
        table,
        split,
        trained,
        weight < 0
            ? trainer.measuredForLess(trained, table, split)
            : trainer.measured(trained, table, split, new int[0]));
  }

  @Test
  void whatCannotBeSummedIsRefused() {
    assertThatThrownBy(() -> new ObjectiveSum(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("objectives: none (expected: at least one)");
    FeatureTable table = pairs(0, 100);
    assertThatThrownBy(
            () ->
                new ObjectiveSum(
                    List.of(summand("love", 1, table, 2), summand("cost", -1, table, 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("objectives[1].members: 1 (expected: 2, as objectives[0] has)");
  }

  @Test
  void completionsThatSeveralObjectivesJudgeCountOnceInTheScaleOfTheSum() {
    FeatureTable all = pairs(0, 200);
    FeatureTable some = pairs(0, 80);
    Summand love = summand("love", 1, all, 2);
    Summand help = summand("help", 2, some, 2);
    List<Normalization> scales =
        new ObjectiveSum(List.of(love, help)).model().spec().normalizations();
    double[][] ofLove = love.members().normalized(all);
    double[][] ofHelp = help.members().normalized(all);
    for (int k = 0; k < 2; k++) {
      double[] first = ofLove[k];
      double[] second = ofHelp[k];
      // what help learned from, love did too
      double[] sums =
          Arrays.stream(love.split().groups(Part.TRAIN))
              .flatMap(all::completions)
              .mapToDouble(i -> first[i] + 2 * second[i])
              .toArray();
      Normalization expected = MemberTrainer.normalization(sums);
      assertThat(scales.get(k).mean()).isCloseTo(expected.mean(), within(1e-9));
      assertThat(scales.get(k).std()).isCloseTo(expected.std(), within(1e-9));
    }
  }

  @Test
  void highFiguresAreGoodWhateverTheSignOfAWeight() {
    FeatureTable table = pairs(0, 400);
    Map<String, Double> more =
        ObjectiveSum.figures(
            new ObjectiveSum(List.of(summand("love", 1, table, 2))).model().spec().heldOut(),
            "love");
    ScoringSpec less = new ObjectiveSum(List.of(summand("cost", -1, table, 2))).model().spec();
    // of one objective the sum of weight −1 is the head's negative, and its lowest the head's
    // highest
    assertThat(more.get("cautious_within_prompt_accuracy")).isGreaterThan(0.8);
    assertThat(ObjectiveSum.figures(less.heldOut(), "cost").get("mean_within_prompt_accuracy"))
        .isEqualTo(more.get("mean_within_prompt_accuracy"));
    assertThat(ObjectiveSum.figures(less.heldOut(), "cost"))
        .containsEntry(
            "cautious_within_prompt_accuracy",
            less.objectives().getFirst().heldOut().get("cautious_within_prompt_accuracy"));
    assertThat(less.heldOutMembers().getFirst().get("cost.within_prompt_accuracy"))
        .isGreaterThan(0.8);
  }

  @Test
  void theCautiousMemberOfWhatThereShallBeLessOfIsTheHighest() {
    FeatureTable table = pairs(0, 40);
    int[] groups = {0, 1, 2, 3, 4, 5};
    double[] right = new double[table.size()];
    for (int g = 0; g < table.groups(); g++) {
      right[table.start(g) + table.group(g).preferences().getFirst().winner()] = 1;
    }
    double[] flat = new double[table.size()];
    Arrays.fill(flat, 0.5);
    List<Normalization> scales = List.of(new Normalization(0, 1), new Normalization(0, 1));
    // the lowest of 1 and ½ is ½, of 0 and ½ is 0; the highest are 1 and ½: right in either way,
    // until the second is 2 everywhere and hides the first from the highest alone
    ScoringMetrics metrics = new ScoringMetrics(table, groups);
    for (boolean less : new boolean[] {false, true}) {
      assertThat(accuracy(scales, List.of(right, flat), less, metrics)).isEqualTo(1);
    }
    Arrays.fill(flat, 2);
    assertThat(accuracy(scales, List.of(right, flat), false, metrics)).isEqualTo(1);
    assertThat(accuracy(scales, List.of(right, flat), true, metrics)).isEqualTo(0.5);
  }

  private static double accuracy(
      List<Normalization> scales, List<double[]> scores, boolean less, ScoringMetrics metrics) {
    return new EnsembleFigures(ScoringKind.REWARD_ENSEMBLE, scales, scores, less)
        .ensemble(metrics, Optional.empty(), Map.of())
        .getOrDefault("cautious_within_prompt_accuracy", -1.0);
  }
}
