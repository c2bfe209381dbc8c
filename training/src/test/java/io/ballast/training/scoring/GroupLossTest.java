package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.rl.preference.SignAnchoredCost;
import io.ballast.training.scoring.GroupLoss.Grades;
import io.ballast.training.scoring.GroupLoss.Preferences;
import io.ballast.training.scoring.GroupLoss.SequenceWise;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the losses ask of a group's scores. */
class GroupLossTest {
  private static final GroupLoss PAIRS = new Preferences(BradleyTerryLoss.plain());
  private static final GroupLoss SMOOTHED = new Preferences(new BradleyTerryLoss(.1, 0));
  private static final GroupLoss GRADES = new Grades();
  private static final GroupLoss COST = new SequenceWise(BradleyTerryLoss.plain());

  /**
   * Values 5, 2, 0, 0 as preferences; of grades the second and third are a yes, the last unknown.
   */
  private static final JudgedGroup GROUP =
      new JudgedGroup(
          "file",
          TokenIds.of(1),
          Collections.nCopies(4, TokenIds.of(2)),
          JudgedGroup.byValue(5, 2, 0, 0),
          List.of(new Grade(0, 1), new Grade(1, 2), new Grade(.75, 1), Grade.NONE));

  @Test
  void aPairByHand() {
    // −log σ(2 − 1) = log(1 + e⁻¹) = 0.313262
    JudgedGroup pair = group(3, 1);
    assertThat(PAIRS.terms(pair)).isEqualTo(1);
    assertThat(PAIRS.loss(pair, new double[] {2, 1}, new double[2]))
        .isCloseTo(0.313262, within(1e-6));
  }

  @Test
  void tiesSayNothing() {
    assertThat(PAIRS.terms(GROUP)).isEqualTo(5);
    JudgedGroup tied = group(3, 3);
    double[] byScore = new double[2];
    assertThat(PAIRS.loss(tied, new double[] {2, -1}, byScore)).isZero();
    assertThat(byScore).containsExactly(0, 0);
  }

  @Test
  void theMeanIsATermsAndThereIsNoneOfNothing() {
    // GROUP has 5 pairs, the other 1: all scores equal, each pair costs log 2
    List<JudgedGroup> groups = List.of(GROUP, group(3, 1));
    assertThat(PAIRS.mean(groups, List.of(new double[4], new double[2])))
        .isCloseTo(Math.log(2), within(1e-12));
    // the second by itself: −log σ(2 − 1)
    assertThat(PAIRS.mean(groups.subList(1, 2), List.of(new double[] {2, 1})))
        .isCloseTo(0.313262, within(1e-6));
    assertThatThrownBy(() -> PAIRS.mean(List.of(group(3, 3)), List.of(new double[2])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 groups without a term of the loss (expected: at least one with one)");
    assertThatThrownBy(() -> PAIRS.mean(List.of(), List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aLabelledPairByHand() {
    // signs: −log σ(1) − log σ(2) = 0.313262 + 0.126928; order: −log σ(1 + 2) = 0.048587
    JudgedGroup pair = group(1, 0);
    assertThat(COST.terms(pair)).isEqualTo(1);
    assertThat(COST.loss(pair, new double[] {1, -2}, new double[2]))
        .isCloseTo(0.313262 + 0.126928 + 0.048587, within(1e-5));
  }

  @Test
  void aGroupIsEquationSixSummedOverItsPairs() {
    // 0 over 1, both unsafe; 0 over 2 with weight 2; 1 over 2, and here 1 is called safe
    double[] scores = {.4, -.9, -.3};
    List<Preference> pairs =
        List.of(new Preference(0, 1, 0, 1), new Preference(0, 2, 0, 2), new Preference(1, 2, 0, 1));
    List<Grade> labels = List.of(new Grade(1, 3), new Grade(.5, 2), new Grade(0, 3));
    JudgedGroup group =
        new JudgedGroup(
            "file", TokenIds.of(1), Collections.nCopies(3, TokenIds.of(2)), pairs, labels);
    double expected =
        SignAnchoredCost.pairLoss(scores[0], scores[1], true, true, 0).loss()
            + 2 * SignAnchoredCost.pairLoss(scores[0], scores[2], true, false, 0).loss()
            + SignAnchoredCost.pairLoss(scores[1], scores[2], false, false, 0).loss();
    double[] byScore = new double[3];
    assertThat(COST.loss(group, scores, byScore)).isCloseTo(expected, within(1e-12));
    assertThat(COST.terms(group)).isEqualTo(4);
    assertThat(byScore[0])
        .isCloseTo(
            SignAnchoredCost.pairLoss(scores[0], scores[1], true, true, 0).first()
                + 2 * SignAnchoredCost.pairLoss(scores[0], scores[2], true, false, 0).first(),
            within(1e-12));
  }

  @Test
  void aPairOfTwoUnsafeCompletionsTeachesItsOrder() {
    JudgedGroup worse =
        new JudgedGroup(
            "file",
            TokenIds.of(1),
            Collections.nCopies(2, TokenIds.of(2)),
            List.of(new Preference(0, 1, 0, 1)),
            JudgedGroup.graded(1, 1));
    double[] byScore = new double[2];
    var unused = COST.loss(worse, new double[] {1, 1}, byScore);
    assertThat(byScore[0]).as("the worse one is to rise faster").isLessThan(byScore[1]);
  }

  @Test
  void aLabelAloneIsATermOfItsOwn() {
    JudgedGroup alone =
        new JudgedGroup(
            "file", TokenIds.of(1), List.of(TokenIds.of(2)), List.of(), JudgedGroup.graded(1));
    assertThat(COST.terms(alone)).isEqualTo(1);
    // −log σ(0.5) = 0.474077
    assertThat(COST.loss(alone, new double[] {.5}, new double[1])).isCloseTo(.474077, within(1e-6));
  }

  @Test
  void aRewardsOffsetIsFreeAndACostsIsAnchored() {
    double[] scores = {1, -0.5, 0.25, 2};
    double[] shifted = {4, 2.5, 3.25, 5};
    assertThat(PAIRS.loss(GROUP, shifted, new double[4]))
        .isCloseTo(PAIRS.loss(GROUP, scores, new double[4]), within(1e-12));
    assertThat(COST.loss(GROUP, shifted, new double[4]))
        .isGreaterThan(COST.loss(GROUP, scores, new double[4]) + 1);
  }

  @Test
  void derivativesAgreeWithFiniteDifferences() {
    for (GroupLoss loss : List.of(PAIRS, SMOOTHED, GRADES, COST)) {
      double[] scores = {1, -0.5, 0.25, 2};
      double[] byScore = new double[4];
      loss.loss(GROUP, scores, byScore);
      double step = 1e-6;
      for (int i = 0; i < 4; i++) {
        double score = scores[i];
        scores[i] = score + step;
        double above = loss.loss(GROUP, scores, new double[4]);
        scores[i] = score - step;
        double below = loss.loss(GROUP, scores, new double[4]);
        scores[i] = score;
        assertThat(byScore[i]).isCloseTo((above - below) / (2 * step), within(1e-8));
      }
    }
  }

  @Test
  void farScoresStayFinite() {
    double[] byScore = new double[4];
    double loss = COST.loss(GROUP, new double[] {1e6, -1e6, -1e6, 1e6}, byScore);
    assertThat(loss).isFinite();
    assertThat(byScore).doesNotContain(Double.NaN);
  }

  @Test
  void aWeightedPairWithAMarginByHand() {
    // 2.5·−log σ(2 − 0.5 − 1) = 2.5·0.474077
    JudgedGroup pair =
        new JudgedGroup(
            "file",
            TokenIds.of(1),
            List.of(TokenIds.of(2), TokenIds.of(3)),
            List.of(new Preference(1, 0, 1, 2.5)),
            List.of(Grade.NONE, Grade.NONE));
    assertThat(PAIRS.terms(pair)).isEqualTo(2.5);
    assertThat(PAIRS.loss(pair, new double[] {.5, 2}, new double[2]))
        .isCloseTo(2.5 * .474077, within(1e-5));
  }

  @Test
  void gradesByHand() {
    // σ(0) = ½ for each: 1·ln 2 + 2·ln 2 + 1·ln 2, and nothing of the unknown one
    assertThat(GRADES.terms(GROUP)).isEqualTo(4);
    double[] byScore = new double[4];
    assertThat(GRADES.loss(GROUP, new double[] {0, 0, 0, 9}, byScore))
        .isCloseTo(4 * Math.log(2), within(1e-12));
    assertThat(byScore).containsExactly(new double[] {.5, -1, -.25, 0}, within(1e-12));
  }

  private static JudgedGroup group(double... values) {
    return new JudgedGroup(
        "file",
        TokenIds.of(1),
        Collections.nCopies(values.length, TokenIds.of(2)),
        JudgedGroup.byValue(values),
        JudgedGroup.graded(values));
  }
}
