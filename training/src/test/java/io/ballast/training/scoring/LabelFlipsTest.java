package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A stated share of the labels is turned round, and nothing else changes. */
class LabelFlipsTest {
  private static final Preference PREFERENCE = new Preference(0, 1, 0.5, 2);
  private static final Grade GRADE = new Grade(0.25, 3);
  private static final JudgedGroup GROUP = group(List.of(PREFERENCE), List.of(GRADE, Grade.NONE));

  @Test
  void certainlyFlipped() {
    assertThat(LabelFlips.flip(GROUP, 1, new SplittableRandom(1)))
        .isEqualTo(
            group(List.of(new Preference(1, 0, 0, 2)), List.of(new Grade(0.75, 3), Grade.NONE)));
  }

  @Test
  void neverFlipped() {
    assertThat(LabelFlips.flip(GROUP, 0, new SplittableRandom(1))).isEqualTo(GROUP);
  }

  @Test
  void aQuarterOfThemIsFlippedNotDrawnAnew() {
    JudgedGroup many =
        group(Collections.nCopies(40_000, PREFERENCE), List.of(Grade.NONE, Grade.NONE));
    JudgedGroup noisy = LabelFlips.flip(many, 0.25, new SplittableRandom(7));
    double flipped = noisy.preferences().stream().filter(p -> p.winner() == 1).count() / 40_000.0;
    // standard deviation √(0.25·0.75/40,000) = 0.0022: five of them
    assertThat(flipped).isCloseTo(0.25, within(0.011));
    assertThat(noisy).isEqualTo(LabelFlips.flip(many, 0.25, new SplittableRandom(7)));
  }

  @Test
  void aProbabilityIsOne() {
    for (double wrong : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> LabelFlips.flip(GROUP, wrong, new SplittableRandom(1)))
          .hasMessageContaining("probability: " + wrong);
    }
  }

  private static JudgedGroup group(List<Preference> preferences, List<Grade> grades) {
    return new JudgedGroup(
        "key", TokenIds.of(1), List.of(TokenIds.of(2), TokenIds.of(3)), preferences, grades);
  }
}
