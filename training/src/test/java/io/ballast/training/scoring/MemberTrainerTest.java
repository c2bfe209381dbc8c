package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Members are trained on features from anywhere, and score others like them. */
class MemberTrainerTest {
  private static final int WIDTH = 3;
  private static final TokenIds NO_TOKENS = TokenIds.of();

  /** Pairs of which the one with more of the first feature is better; its scale is no matter. */
  private static FeatureTable pairs(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<JudgedGroup> groups = new ArrayList<>();
    List<List<FeatureVector>> features = new ArrayList<>();
    for (int p = 0; p < count; p++) {
      FeatureVector a = vector(random);
      FeatureVector b = vector(random);
      int winner = a.toArray()[0] > b.toArray()[0] ? 0 : 1;
      groups.add(
          new JudgedGroup(
              "pair " + p,
              NO_TOKENS,
              List.of(NO_TOKENS, NO_TOKENS),
              List.of(new Preference(winner, 1 - winner, 0, 1)),
              List.of(Grade.NONE, Grade.NONE)));
      features.add(List.of(a, b));
    }
    return FeatureTable.of(WIDTH, groups, features);
  }

  private static FeatureVector vector(SplittableRandom random) {
    return FeatureVector.of(
        (float) (5 + 3 * random.nextGaussian()),
        (float) random.nextGaussian(),
        (float) random.nextGaussian());
  }

  private static TrainedMembers train(FeatureTable table, int members) {
    return new MemberTrainer(
            new MemberTrainer.Plan(
                members,
                new GroupLoss.Preferences(BradleyTerryLoss.plain()),
                false,
                1,
                HeadTrainer.Options.defaults()),
            line -> {})
        .train(table, GroupSplit.of(table, SplitRule.tenths(1)));
  }

  @Test
  void membersLearnDifferAndAreOnOneScale() {
    FeatureTable table = pairs(400, 1);
    TrainedMembers members = train(table, 2);
    double[][] fresh = members.normalized(pairs(200, 2));
    FeatureTable others = pairs(200, 2);
    for (double[] ofMember : fresh) {
      int right = 0;
      for (int g = 0; g < others.groups(); g++) {
        Preference pair = others.group(g).preferences().getFirst();
        right += ofMember[2 * g + pair.winner()] > ofMember[2 * g + pair.loser()] ? 1 : 0;
      }
      assertThat(right).isGreaterThan(180); // of 200; by chance 100 ± 7
    }
    assertThat(fresh[0]).isNotEqualTo(fresh[1]);
    // over what they learned from, each has mean 0 and standard deviation 1
    GroupSplit split = GroupSplit.of(table, SplitRule.tenths(1));
    double[][] own = members.normalized(table);
    for (double[] ofMember : own) {
      double sum = 0;
      double squares = 0;
      int count = 0;
      for (int group : split.groups(Part.TRAIN)) {
        for (int i = table.start(group); i < table.end(group); i++) {
          sum += ofMember[i];
          squares += ofMember[i] * ofMember[i];
          count++;
        }
      }
      assertThat(sum / count).isCloseTo(0, within(1e-9));
      assertThat(squares / count).isCloseTo(1, within(1e-9));
    }
  }

  @Test
  void theSavedHeadsSayTheSame() {
    FeatureTable table = pairs(100, 3);
    TrainedMembers members = train(table, 2);
    ScoringHeads heads = members.heads();
    double[][] normalized = members.normalized(table);
    for (int k = 0; k < heads.size(); k++) {
      Head head = heads.heads().get(k);
      for (int i = 0; i < 5; i++) {
        double score = head.outputBias();
        for (int n = 0; n < heads.hiddenWidth(); n++) {
          double sum = head.hiddenBias()[n];
          for (int f = 0; f < WIDTH; f++) {
            double standard =
                (table.features(i)[f] - heads.featureMean()[f]) / heads.featureStd()[f];
            sum += head.hiddenWeight()[n * WIDTH + f] * standard;
          }
          score += head.outputWeight()[n] * Math.tanh(sum);
        }
        assertThat(normalized[k][i])
            .isCloseTo(members.normalizations().get(k).normalize(score), within(1e-5));
      }
    }
  }

  @Test
  void shapesAreChecked() {
    FeatureTable table = pairs(100, 4);
    TrainedMembers members = train(table, 1);
    assertThatThrownBy(() -> members.normalized(FeatureTable.ofLabels(List.of(table.group(0)))))
        .hasMessage("features: 0 (expected: 3, as trained)");
    assertThatThrownBy(
            () ->
                FeatureTable.of(
                    WIDTH, List.of(table.group(0)), List.of(List.of(FeatureVector.of(1, 2, 3)))))
        .hasMessage("features[0]: length 1 (expected: 2)");
    assertThatThrownBy(() -> train(pairs(1, 5), 1)).hasMessageContaining("no groups");
  }
}
