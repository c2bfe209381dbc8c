package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.HdrHistogram.ConcurrentHistogram;
import org.junit.jupiter.api.Test;

/** A percentile says how sure it is. */
class QuantileTest {
  private static final double MILLIS = 1e6;

  private static ConcurrentHistogram millis(IntStream each) {
    ConcurrentHistogram histogram = new ConcurrentHistogram(3);
    each.forEach(call -> histogram.recordValue(Math.round(call * MILLIS)));
    return histogram;
  }

  @Test
  void theMedianOfAHundredLiesBetweenTheFortiethAndTheSixtyFirst() {
    Quantile median = Quantile.of(millis(IntStream.rangeClosed(1, 100)), 50);

    assertThat(median.value()).isCloseTo(50, within(0.1));
    assertThat(median.least()).isCloseTo(40, within(0.1));
    assertThat(median.most()).isCloseTo(61, within(0.1));
  }

  @Test
  void aHundredCallsDoNotSayHowLongTheHundredthTakes() {
    // more than 3 of them are beyond it in 1.8 % of cases, none in 37 %
    Quantile tail = Quantile.of(millis(IntStream.rangeClosed(1, 100)), 99);

    assertThat(tail.least()).isCloseTo(97, within(0.1));
    assertThat(tail.most()).isInfinite();
  }

  @Test
  void itIsWrittenWithItsInterval() {
    assertThat(new Quantile(50, 40.04, 61)).hasToString("50.0 (40.0 to 61.0)");
    assertThat(new Quantile(99, 97, Double.POSITIVE_INFINITY)).hasToString("99.0 (97.0 to ∞)");
  }

  @Test
  void ofNoCallNothingIsSaid() {
    assertThat(Quantile.of(millis(IntStream.empty()), 50))
        .isEqualTo(new Quantile(Double.NaN, Double.NaN, Double.NaN));
  }

  @Test
  void oneCallMayBeAnywhere() {
    Quantile median = Quantile.of(millis(IntStream.of(7)), 50);

    assertThat(median.value()).isCloseTo(7, within(0.01));
    assertThat(median.least()).isZero();
    assertThat(median.most()).isInfinite();
  }

  @Test
  void theTruePercentileIsWithinTheIntervalAsOftenAsItSays() {
    Random random = new Random(1);
    int loads = 2_000;
    long within = 0;
    for (int load = 0; load < loads; load++) {
      ConcurrentHistogram calls = new ConcurrentHistogram(3);
      for (int call = 0; call < 500; call++) {
        calls.recordValue(Math.round(-Math.log1p(-random.nextDouble()) * 10 * MILLIS));
      }
      Quantile tail = Quantile.of(calls, 99);
      double truth = 10 * Math.log(100);
      if (tail.least() <= truth && truth <= tail.most()) {
        within++;
      }
    }

    assertThat((double) within / loads).isBetween(0.945, 0.985); // of 500, at least 95 %
  }
}
