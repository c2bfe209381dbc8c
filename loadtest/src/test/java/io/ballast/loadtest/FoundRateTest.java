package io.ballast.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.run.RateSearch.Found;
import io.ballast.loadtest.run.RateSearch.Trial;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a search found is said as it was, and what was not found too. */
class FoundRateTest {
  private static final Trial HOLDS = new Trial(8, true, true, 8, 20, List.of());
  private static final Trial FAILS = new Trial(16, true, false, 15, 900, List.of("p99: 900 ms"));
  private static final Trial LATE = new Trial(4, false, false, 0, Double.NaN, List.of("late"));

  private static String lines(
      Optional<Trial> highest, Optional<String> bounded, Optional<Trial> overload, Trial... all) {
    Found found =
        new Found(List.of(all), highest, bounded, overload.map(unused -> FAILS), overload);
    return String.join("\n", new FoundRate("load", found, 4_200).lines());
  }

  @Test
  void anOverloadThatWasNotSentWholeSaysSo() {
    Trial whole = new Trial(32, true, false, 12, 900, 0.995, List.of());
    Trial half = new Trial(32, true, false, 12, 900, 0.5, List.of());

    assertThat(lines(Optional.of(HOLDS), Optional.empty(), Optional.of(whole), HOLDS, FAILS, whole))
        .endsWith("  at twice that rate: 12.0 good answers/s, 80 % of those at saturation");
    assertThat(lines(Optional.of(HOLDS), Optional.empty(), Optional.of(half), HOLDS, FAILS, half))
        .endsWith("at saturation; of its calls 50 % were sent, for max_in_flight were under way");
  }

  @Test
  void whatIsSaidOfNoRateIsOfOneThatFailed() {
    // 8 held at first, and not when it was confirmed
    Trial again = new Trial(8, true, false, 7, 800, List.of("p99: 800 ms"));

    assertThat(lines(Optional.empty(), Optional.empty(), Optional.empty(), HOLDS, FAILS, again))
        .isEqualTo(
            "load does not hold its SLOs at 8.0 calls/s: p99: 800 ms\n"
                + "  generator: manages 4,200 calls/s here");
  }

  @Test
  void ofAMeshThatOnlyALateGeneratorSawNothingIsSaid() {
    assertThat(
            lines(
                Optional.empty(),
                Optional.of("the generator did not keep up at 4.0 calls/s"),
                Optional.empty(),
                LATE))
        .isEqualTo(
            "of load nothing can be said\n"
                + "  generator: manages 4,200 calls/s here\n"
                + "  more was not tried: the generator did not keep up at 4.0 calls/s");
  }
}
