package io.ballast.loadtest.openloop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The rate that was asked for is the rate that is meant. */
class ArrivalsTest {
  private static long countBefore(Arrivals arrivals, long nanos) {
    long count = 0;
    while (arrivals.nextNanos() < nanos) {
      count++;
    }
    return count;
  }

  @Test
  void evenCallsDoNotDriftAtARateThatDividesNoSecond() {
    // a step rounded to whole nanoseconds, 33,333, would send 18 calls too many in a minute
    assertThat(countBefore(Arrivals.evenly(30_000), 60_000_000_000L)).isEqualTo(1_800_000);
  }

  @Test
  void evenCallsStandAtEqualDistances() {
    Arrivals arrivals = Arrivals.evenly(4);
    assertThat(arrivals.nextNanos()).isZero();
    assertThat(arrivals.nextNanos()).isEqualTo(250_000_000);
    assertThat(arrivals.nextNanos()).isEqualTo(500_000_000);
  }

  @Test
  void poissonCallsHaveTheRateAndTheVarianceOfAPoissonProcess() {
    Arrivals arrivals = Arrivals.poisson(50, new SplittableRandom(3));
    int seconds = 2_000;
    int[] perSecond = new int[seconds];
    for (long at = arrivals.nextNanos(); at < seconds * 1_000_000_000L; at = arrivals.nextNanos()) {
      perSecond[(int) (at / 1_000_000_000L)]++;
    }
    double mean = 0;
    for (int count : perSecond) {
      mean += (double) count / seconds;
    }
    double variance = 0;
    for (int count : perSecond) {
      variance += (count - mean) * (count - mean) / (seconds - 1);
    }
    // standard errors: √(50 / 2,000) = 0.16 of the mean, 50·√(2 / 2,000) = 1.6 of the variance
    assertThat(mean).isCloseTo(50, within(0.6));
    assertThat(variance).isCloseTo(50, within(6.0));
  }

  @Test
  void theSameSeedGivesTheSameCalls() {
    Arrivals first = Arrivals.poisson(10, new SplittableRandom(9));
    Arrivals second = Arrivals.poisson(10, new SplittableRandom(9));
    for (int i = 0; i < 100; i++) {
      assertThat(first.nextNanos()).isEqualTo(second.nextNanos());
    }
  }
}
