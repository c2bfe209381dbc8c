package io.ballast.inference.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** However many are found, only the best are held. */
class BestBeamsTest {
  private static Beam beam(int token, double score) {
    return new Beam(TokenIds.of(token), score, score, true);
  }

  @Test
  void theBestOfAllAreHeldInTheOrderOfTheirScoresAndThenOfTheirFinding() {
    SplittableRandom random = new SplittableRandom(1);
    List<Beam> all = new ArrayList<>();
    BestBeams best = new BestBeams(5);
    for (int i = 0; i < 200; i++) {
      Beam next = beam(i, -random.nextInt(20)); // many score the same
      all.add(next);
      best.add(next);
      List<Beam> sorted =
          all.stream().sorted(Comparator.comparingDouble(Beam::score).reversed()).toList();
      assertThat(best.ranked()).isEqualTo(sorted.subList(0, Math.min(5, sorted.size())));
    }
  }

  @Test
  void allReachAScoreOnlyIfThereAreAsManyAsAreWanted() {
    BestBeams best = new BestBeams(2);
    best.add(beam(1, -1));
    assertThat(best.allReach(-9)).isFalse();
    best.add(beam(2, -3));
    assertThat(best.allReach(-3)).isTrue();
    assertThat(best.allReach(-2)).isFalse();
  }
}
