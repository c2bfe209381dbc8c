package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** A suggestion is shown if that is expected to save time. */
class UtilityRuleTest {
  @Test
  void byHand() {
    // p* = (3 + .5)/(12 − 2) = .35; gain(.6) = 6 − 3.5
    UtilityRule rule = new UtilityRule(3, .5, 12, 2);
    assertThat(rule.threshold().orElseThrow()).isCloseTo(.35, within(1e-12));
    assertThat(rule.gain(.6)).isCloseTo(2.5, within(1e-12));
    assertThat(rule.shows(.36)).isTrue();
    assertThat(rule.shows(.34)).isFalse();
  }

  @Test
  void theThresholdIsWhereTheGainIsZero() {
    for (double verification : new double[] {.5, 1, 4}) {
      for (double writing : new double[] {6, 9, 30}) {
        UtilityRule rule = new UtilityRule(verification, .25, writing, 1);
        assertThat(rule.gain(rule.threshold().orElseThrow())).isCloseTo(0, within(1e-12));
      }
    }
  }

  @Test
  void readingLongerAsksForMoreAndWritingLongerForLess() {
    double threshold = new UtilityRule(3, .5, 12, 2).threshold().orElseThrow();
    assertThat(new UtilityRule(4, .5, 12, 2).threshold().orElseThrow()).isGreaterThan(threshold);
    assertThat(new UtilityRule(3, 1, 12, 2).threshold().orElseThrow()).isGreaterThan(threshold);
    assertThat(new UtilityRule(3, .5, 20, 2).threshold().orElseThrow()).isLessThan(threshold);
  }

  @Test
  void whereAcceptingSavesNothingEverythingIsShown() {
    UtilityRule rule = new UtilityRule(3, .5, 2, 2);
    assertThat(rule.threshold()).isEmpty();
    assertThat(rule.shows(0)).isTrue();
    assertThat(rule.gain(1)).isEqualTo(-3.5);
  }

  @Test
  void whereReadingTakesLongerThanWritingNothingIs() {
    UtilityRule rule = new UtilityRule(9, 0, 6, 0);
    assertThat(rule.threshold().orElseThrow()).isEqualTo(1.5);
    assertThat(rule.shows(1)).isFalse();
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new UtilityRule(1, -1, 1, 1))
        .withMessage("waiting: -1.0 (expected: >= 0, finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new UtilityRule(1, 1, 2, 1).shows(2))
        .withMessage("acceptProbability: 2.0 (expected: 0.0 to 1.0)");
  }
}
