package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.run.RateSearch.Found;
import io.ballast.loadtest.run.RateSearch.Trial;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** The highest rate that holds is found, and what becomes of goodput beyond it. */
class RateSearchTest {
  /**
   * A server that answers up to {@code capacity} a second, 70 % of it within its objective, and of
   * twice its capacity only {@code overloaded} of it.
   */
  private static Trial trial(double rate, double capacity, double overloaded) {
    double goodput =
        rate <= capacity
            ? rate
            : capacity * Math.max(overloaded, 1 - (1 - overloaded) * (rate / capacity - 1));
    boolean holds = rate <= 0.7 * capacity;
    return new Trial(rate, true, holds, goodput, holds ? 20 : 900, List.of());
  }

  private static Found find(double to, RateSearch.Loads loads) throws InterruptedException {
    return new RateSearch(1, to, 0.05, loads).find(true);
  }

  @Test
  void theHighestRateThatHoldsIsFoundToItsPrecision() throws InterruptedException {
    Found found = find(10_000, (rate, longer) -> trial(rate, 100, 0.95));

    assertThat(found.highest().orElseThrow().rate()).isBetween(70 / 1.05, 70.0);
    assertThat(found.bounded()).isEmpty();
    assertThat(found.saturation().orElseThrow().goodput()).isCloseTo(100, within(8.0));
    assertThat(found.overload().orElseThrow().rate())
        .isEqualTo(2 * found.saturation().orElseThrow().rate());
    assertThat(found.overloadShare().orElseThrow()).isBetween(0.93, 1.05);
    assertThat(found.trials()).hasSizeLessThan(25);
  }

  @Test
  void aServerThatCollapsesUnderOverloadIsSeenTo() throws InterruptedException {
    Found found = find(10_000, (rate, longer) -> trial(rate, 100, 0.1));

    assertThat(found.highest().orElseThrow().rate()).isBetween(70 / 1.05, 70.0);
    assertThat(found.overloadShare().orElseThrow()).isLessThan(0.3);
  }

  @Test
  void whatHeldByChanceIsTakenBack() throws InterruptedException {
    // at 60 % of its real limit and above, each trial of the usual length holds three times in four
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(11);
    Found found =
        new RateSearch(
                1,
                10_000,
                0.05,
                (rate, longer) -> {
                  boolean holds =
                      rate <= 42 || (rate <= 70 && !longer && random.nextDouble() < 0.75);
                  return new Trial(rate, true, holds, rate, 1, List.of());
                })
            .find(false);

    assertThat(found.highest().orElseThrow().rate()).isBetween(20.0, 42.0);
    assertThat(found.saturation()).isEmpty();
  }

  @Test
  void aMeshThatHoldsNothingIsSaidTo() throws InterruptedException {
    Found found =
        new RateSearch(
                8, 100, 0.1, (rate, longer) -> new Trial(rate, true, false, 0, 1, List.of("p99")))
            .find(false);

    assertThat(found.highest()).isEmpty();
    assertThat(found.trials()).hasSize(1);
  }

  @Test
  void theGeneratorsCeilingBoundsTheSearch() throws InterruptedException {
    Found found =
        find(
            10_000,
            (rate, longer) -> new Trial(rate, rate < 50, rate < 50, rate, 1, List.of("late")));

    assertThat(found.highest().orElseThrow().rate()).isEqualTo(32);
    assertThat(found.bounded().orElseThrow()).contains("the generator did not keep up at");
    assertThat(found.saturation()).isEmpty();
    assertThat(found.overloadShare()).isEmpty();
  }

  @Test
  void aGeneratorThatIsLateBetweenTwoRatesIsNotTakenForTheMesh() throws InterruptedException {
    // the mesh fails from 100 on; from 40 on the generator is late, but for the round 64 and 128
    Found found =
        new RateSearch(
                1,
                10_000,
                0.05,
                (rate, longer) -> {
                  boolean late = rate > 40 && rate != 64 && rate != 128;
                  return new Trial(rate, !late, !late && rate < 100, rate, 1, List.of("late"));
                })
            .find(false);

    assertThat(found.highest().orElseThrow().rate()).isEqualTo(64);
    assertThat(found.bounded().orElseThrow())
        .isEqualTo("the generator did not keep up at 66.8 calls/s");
  }

  @Test
  void nothingIsTriedAboveTheHighestRateEvenForOverload() throws InterruptedException {
    Found near = find(150, (rate, longer) -> trial(rate, 100, 0.9));
    assertThat(near.saturation()).isEmpty();
    assertThat(near.bounded()).contains("the highest rate that was to be tried");

    Found enough = find(200, (rate, longer) -> trial(rate, 100, 0.9));
    assertThat(enough.saturation().orElseThrow().rate()).isEqualTo(128);
    assertThat(enough.overload()).isEmpty();
    assertThat(enough.bounded()).contains("the highest rate that was to be tried");
    assertThat(enough.trials()).allMatch(trial -> trial.rate() <= 200);
  }

  @Test
  void theHighestRateToTryBoundsItToo() throws InterruptedException {
    Found found =
        new RateSearch(
                1, 20, 0.1, (rate, longer) -> new Trial(rate, true, true, rate, 1, List.of()))
            .find(false);

    assertThat(found.highest().orElseThrow().rate()).isEqualTo(20);
    assertThat(found.bounded()).contains("the highest rate that was to be tried");
  }
}
