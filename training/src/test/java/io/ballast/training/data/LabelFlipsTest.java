package io.ballast.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.training.data.Judgement.Grade;
import io.ballast.training.data.Judgement.Pair;
import io.ballast.training.data.PromptText.Plain;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A stated share of the labels is turned round, and nothing else changes. */
class LabelFlipsTest {
  private static final Source SOURCE = new Source(1, "u", "a");
  private static final Pair PAIR = new Pair(new Plain("p"), "good", "bad", 0.5, 2, SOURCE);
  private static final Grade GRADE = new Grade(new Plain("p"), "c", 0.25, 3, SOURCE);

  @Test
  void certainlyFlipped() {
    assertThat(LabelFlips.flip(List.of(PAIR, GRADE), 1, new SplittableRandom(1)))
        .containsExactly(
            new Pair(new Plain("p"), "bad", "good", 0, 2, SOURCE),
            new Grade(new Plain("p"), "c", 0.75, 3, SOURCE));
  }

  @Test
  void neverFlipped() {
    assertThat(LabelFlips.flip(List.of(PAIR, GRADE), 0, new SplittableRandom(1)))
        .containsExactly(PAIR, GRADE);
  }

  @Test
  void aQuarterOfThemIsFlippedNotDrawnAnew() {
    List<Judgement> many = IntStream.range(0, 40_000).mapToObj(i -> (Judgement) PAIR).toList();
    List<Judgement> noisy = LabelFlips.flip(many, 0.25, new SplittableRandom(7));
    double flipped = noisy.stream().filter(j -> !j.equals(PAIR)).count() / 40_000.0;
    // standard deviation √(0.25·0.75/40,000) = 0.0022: five of them
    assertThat(flipped).isCloseTo(0.25, within(0.011));
    assertThat(noisy).isEqualTo(LabelFlips.flip(many, 0.25, new SplittableRandom(7)));
  }

  @Test
  void aProbabilityIsOne() {
    for (double wrong : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> LabelFlips.flip(List.of(), wrong, new SplittableRandom(1)))
          .hasMessageContaining("probability: " + wrong);
    }
  }
}
