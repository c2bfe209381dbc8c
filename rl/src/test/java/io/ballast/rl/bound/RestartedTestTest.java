package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A change for the worse is seen soon after it, and α is of the whole stream. */
class RestartedTestTest {
  private static final int TRIALS = 400;

  @Test
  void theFirstValuesByHand() {
    // as BettingTest: 1 + 1.5·(1 − .5) = 1.75, of weight ½; what has not begun has the other ½
    RestartedTest one = RestartedTest.of(.5, .1, 2).add(1);
    assertThat(one.highestLogWealth()).isCloseTo(Math.log(.5 * 1.75 + .5), within(1e-12));
    // 1.75² and, after its first value, the second begins: 1.75³/2 + 1.75/6 + 1/3
    RestartedTest three = one.add(1).add(1);
    assertThat(three.running()).hasSize(2);
    assertThat(three.highestLogWealth())
        .isCloseTo(Math.log(Math.pow(1.75, 3) / 2 + 1.75 / 6 + 1 / 3.0), within(1e-12));
  }

  @Test
  void fiveHarmsInARowAreSeen() {
    // m = .3: .75/.3·.7 + 1 = 2.75 each; half of 2.75⁴ + ½ = 29.1 < 40 < 79.1 = half of 2.75⁵ + ½
    RestartedTest test = RestartedTest.of(.3, .025, 50);
    for (int i = 0; i < 4; i++) {
      test = test.add(1);
    }
    assertThat(test.rejects()).isFalse();
    test = test.add(1);
    assertThat(test.rejects()).isTrue();
    assertThat(test.add(0).add(0).rejects()).as("for ever").isTrue();
  }

  @Test
  void aMeanAtTheLimitIsHardlyEverRefutedHoweverOftenOneLooks() {
    SplittableRandom random = new SplittableRandom(401);
    int rejected = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      RestartedTest test = RestartedTest.of(.1, .1, 20);
      for (int t = 0; t < 400; t++) {
        test = test.add(random.nextDouble() < .1 ? 1 : 0);
      }
      rejected += test.rejects() ? 1 : 0;
    }
    assertThat(rejected).isLessThanOrEqualTo(Binomials.most(TRIALS, .1)).isPositive();
  }

  @Test
  void aChangeIsSeenSoonWhereOneTestWouldHaveToWinItsLossesBack() {
    SplittableRandom random = new SplittableRandom(409);
    RestartedTest restarted = RestartedTest.of(.3, .025, 50);
    BettingTest single = BettingTest.of(.3, .025);
    for (int t = 0; t < 1_000; t++) {
      restarted = restarted.add(.05);
      single = single.add(.05);
    }
    int later = 0;
    while (!restarted.rejects()) {
      double value = random.nextDouble() < .9 ? 1 : 0;
      restarted = restarted.add(value);
      single = single.add(value);
      later++;
    }
    assertThat(later).isLessThan(100);
    assertThat(single.rejects()).isFalse();
    assertThat(restarted.running()).as("what has nothing left is let go").hasSizeLessThan(15);
  }

  /** At the limit no test loses its wealth; a change is seen nevertheless. */
  @Test
  void noMoreThan64TestsGoOnHoweverLongTheStreamIs() {
    SplittableRandom random = new SplittableRandom(419);
    RestartedTest test = RestartedTest.of(.525, .025, 10);
    for (int t = 0; t < 5_000; t++) {
      test = test.add(random.nextDouble() < .5 ? 1 : 0);
    }
    assertThat(test.running()).hasSize(64);
    assertThat(test.count()).isEqualTo(5_000);
    assertThat(test.rejects()).isFalse();
    int later = 0;
    while (!test.rejects()) {
      test = test.add(random.nextDouble() < .9 ? 1 : 0);
      later++;
      assertThat(test.running()).hasSizeLessThanOrEqualTo(64);
    }
    assertThat(later).isLessThan(150);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RestartedTest.of(.1, .1, 0))
        .withMessage("every: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RestartedTest.of(1, .1, 10))
        .withMessage("mean: 1.0 (expected: above 0, below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RestartedTest.of(.1, .1, 10).add(-1))
        .withMessage("value: -1.0 (expected: 0.0 to 1.0)");
  }
}
