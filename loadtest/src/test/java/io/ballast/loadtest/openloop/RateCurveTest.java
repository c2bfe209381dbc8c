package io.ballast.loadtest.openloop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.openloop.RateCurve.Piece;
import java.util.List;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** A curve says when so many calls were meant; arrivals along it follow. */
class RateCurveTest {
  /** From 0 to 100 calls/s in 10 s, then 100 calls/s for 10 s, then down to 0 in 5 s. */
  private static final RateCurve UP_AND_DOWN =
      new RateCurve(List.of(new Piece(0, 100, 10), new Piece(100, 100, 10), new Piece(100, 0, 5)));

  @Test
  void aRampsCallsGrowWithTheSquareOfTime() {
    // ½·10·t² calls until t: 125 at 5 s, 500 at 10 s
    assertThat(UP_AND_DOWN.secondsAt(0)).isZero();
    assertThat(UP_AND_DOWN.secondsAt(125)).isCloseTo(5, within(1e-9));
    assertThat(UP_AND_DOWN.secondsAt(500)).isCloseTo(10, within(1e-9));
    assertThat(UP_AND_DOWN.secondsAt(600)).isCloseTo(11, within(1e-9));
    // 100·t − 10·t² = 187.5 at t = 2.5 of the way down
    assertThat(UP_AND_DOWN.secondsAt(1_687.5)).isCloseTo(22.5, within(1e-9));
    assertThat(UP_AND_DOWN.secondsAt(1_750)).isInfinite();
    assertThat(UP_AND_DOWN.calls()).isEqualTo(1_750);
    assertThat(UP_AND_DOWN.seconds()).isEqualTo(25);
    assertThat(UP_AND_DOWN.peak()).isEqualTo(100);
  }

  @Test
  void aConstantCurveIsWhatEvenArrivalsAre() {
    Arrivals along = Arrivals.evenlyAlong(RateCurve.constant(30, 2), 0, 1);
    Arrivals even = Arrivals.evenly(30);
    for (int i = 0; i < 60; i++) {
      assertThat(along.nextNanos()).isCloseTo(even.nextNanos(), within(1L));
    }
    assertThat(along.nextNanos()).isEqualTo(Arrivals.NEVER);
  }

  @Test
  void thoseWhoShareEvenArrivalsTakeTurns() {
    Arrivals second = Arrivals.evenlyAlong(RateCurve.constant(100, 0.1), 1, 3);
    for (long millis : new long[] {10, 40, 70}) {
      assertThat(second.nextNanos()).isCloseTo(millis * 1_000_000, within(1L));
    }
    assertThat(second.nextNanos()).isEqualTo(Arrivals.NEVER);
  }

  @Test
  void poissonArrivalsFollowTheCurve() {
    Arrivals arrivals =
        Arrivals.poissonAlong(
            UP_AND_DOWN.times(100), RandomGeneratorFactory.of("L64X128MixRandom").create(7));
    int[] counts = new int[5];
    long before = 0;
    for (long at = arrivals.nextNanos(); at != Arrivals.NEVER; at = arrivals.nextNanos()) {
      assertThat(at).isGreaterThanOrEqualTo(before);
      before = at;
      counts[(int) (at / 5_000_000_000L)]++;
    }
    // the calls of each five seconds, within five standard deviations
    int[] expected = {12_500, 37_500, 50_000, 50_000, 25_000};
    for (int i = 0; i < 5; i++) {
      assertThat((double) counts[i]).isCloseTo(expected[i], within(5 * Math.sqrt(expected[i])));
    }
  }

  @Test
  void aTraceIsFollowedAsItIs() {
    Arrivals traced = Arrivals.traced(List.of(0.0, 0.5, 0.5, 2.0));
    assertThat(traced.nextNanos()).isZero();
    assertThat(traced.nextNanos()).isEqualTo(500_000_000);
    assertThat(traced.nextNanos()).isEqualTo(500_000_000);
    assertThat(traced.nextNanos()).isEqualTo(2_000_000_000);
    assertThat(traced.nextNanos()).isEqualTo(Arrivals.NEVER);
  }

  @Test
  void aSilentStretchHasNoCalls() {
    RateCurve curve = new RateCurve(List.of(new Piece(0, 0, 3), new Piece(10, 10, 1)));
    assertThat(curve.secondsAt(0)).isEqualTo(3);
    assertThat(curve.secondsAt(5)).isCloseTo(3.5, within(1e-9));
  }

  @Test
  void whatIsNoCurveIsRefused() {
    assertThatThrownBy(() -> new RateCurve(List.of())).hasMessageContaining("pieces: none");
    assertThatThrownBy(() -> new Piece(-1, 1, 1)).hasMessageContaining("-1.0 to 1.0 for 1.0 s");
    assertThatThrownBy(() -> new Piece(1, 1, 0)).hasMessageContaining("for 0.0 s");
  }
}
