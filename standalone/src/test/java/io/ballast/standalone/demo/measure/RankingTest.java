package io.ballast.standalone.demo.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A reward is as good as its order within a prompt. */
class RankingTest {
  @Test
  void aHandComputedAccuracy() {
    // first prompt: worth 3 > 1 > 0, scores 2, 5, 1: pairs (3,1) wrong, (3,0) right, (1,0) right
    // second: worth 1 > 0, scores equal: half. 2.5 of 4 pairs
    Ranking.Accuracy accuracy =
        Ranking.accuracy(
                List.of(
                    new Ranking.Group("a", List.of(3.0, 1.0, 0.0), List.of(2.0, 5.0, 1.0)),
                    new Ranking.Group("b", List.of(0.0, 1.0), List.of(7.0, 7.0))))
            .orElseThrow();
    assertThat(accuracy.pairs()).isEqualTo(4);
    assertThat(accuracy.share().value()).isCloseTo(2.5 / 4, within(1e-12));
  }

  @Test
  void theTruthItselfIsAlwaysRight() {
    List<Double> worth = List.of(4.0, 0.0, 2.0, 2.0);
    Ranking.Accuracy accuracy =
        Ranking.accuracy(
                List.of(new Ranking.Group("a", worth, worth), new Ranking.Group("b", worth, worth)))
            .orElseThrow();
    assertThat(accuracy.share()).isEqualTo(new Interval(1, 1, 1));
    assertThat(accuracy.pairs()).isEqualTo(10);
  }

  @Test
  void withoutUnequalPairsThereIsNoFigure() {
    Ranking.Group even = new Ranking.Group("a", List.of(1.0, 1.0), List.of(1.0, 2.0));
    Ranking.Group other = new Ranking.Group("b", List.of(0.0), List.of(1.0));
    assertThat(Ranking.accuracy(List.of(even, other))).isEmpty();
    assertThat(Ranking.accuracy(List.of())).isEmpty();
  }
}
