package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.workshop.scoring.GroupLoss.BradleyTerry;
import io.ballast.workshop.scoring.GroupLoss.SignAnchored;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the losses ask of a group's scores. */
class GroupLossTest {
  private static final GroupLoss KEPT = new BradleyTerry(Worth.KEPT);
  private static final GroupLoss SAVED = new BradleyTerry(Worth.SAVED);
  private static final GroupLoss COST = new SignAnchored();

  private static final List<LabelledCompletion> GROUP =
      List.of(label(5, 5, false), label(0, 2, true), label(0, 0, true), label(0, 0, false));

  @Test
  void aPairByHand() {
    // −log σ(2 − 1) = log(1 + e⁻¹) = 0.313262
    List<LabelledCompletion> pair = List.of(label(0, 3, false), label(0, 1, false));
    assertThat(KEPT.terms(pair)).isEqualTo(1);
    assertThat(KEPT.loss(pair, new double[] {2, 1}, new double[2]))
        .isCloseTo(0.313262, within(1e-6));
  }

  @Test
  void tiesSayNothing() {
    assertThat(KEPT.terms(GROUP)).isEqualTo(5);
    assertThat(SAVED.terms(GROUP)).isEqualTo(3);
    List<LabelledCompletion> tied = List.of(label(0, 3, false), label(0, 3, true));
    double[] byScore = new double[2];
    assertThat(KEPT.loss(tied, new double[] {2, -1}, byScore)).isZero();
    assertThat(byScore).containsExactly(0, 0);
  }

  @Test
  void aSignAnchoredGroupByHand() {
    // signs: −log σ(1) − log σ(2) = 0.313262 + 0.126928; pair: −log σ(1 + 2) = 0.048587,
    // weighted 2 completions / 1 pair
    List<LabelledCompletion> group = List.of(label(0, 0, true), label(0, 0, false));
    assertThat(COST.loss(group, new double[] {1, -2}, new double[2]))
        .isCloseTo(0.313262 + 0.126928 + 2 * 0.048587, within(1e-5));
  }

  @Test
  void aRewardsOffsetIsFreeAndACostsIsAnchored() {
    double[] scores = {1, -0.5, 0.25, 2};
    double[] shifted = {4, 2.5, 3.25, 5};
    assertThat(KEPT.loss(GROUP, shifted, new double[4]))
        .isCloseTo(KEPT.loss(GROUP, scores, new double[4]), within(1e-12));
    assertThat(COST.loss(GROUP, shifted, new double[4]))
        .isGreaterThan(COST.loss(GROUP, scores, new double[4]) + 1);
  }

  @Test
  void derivativesAgreeWithFiniteDifferences() {
    for (GroupLoss loss : List.of(KEPT, SAVED, COST)) {
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

  private static LabelledCompletion label(int saved, int kept, boolean harmful) {
    return new LabelledCompletion(TokenIds.of(1), saved, kept, harmful);
  }
}
