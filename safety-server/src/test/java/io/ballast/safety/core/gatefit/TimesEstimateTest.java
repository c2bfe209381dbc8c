package io.ballast.safety.core.gatefit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Times are means of what suggestions took, and too little is no estimate. */
class TimesEstimateTest {
  @Test
  void timesAreMeansAndWritingRestsOnTheTypingSpeed() throws UnusableLogException {
    List<TimedSuggestion> log = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      log.add(kept("ada", 30, 1, 0)); // as it was
      log.add(kept("bob", 10, 2, 4));
      log.add(rejected("bob", 6));
    }

    TimesEstimate times = TimesEstimate.of(log, 5, 60);

    assertThat(times.verification().seconds().estimate()).isEqualTo(3, within(1e-12));
    assertThat(times.verification().observations()).isEqualTo(60);
    assertThat(times.waiting().seconds().estimate()).isEqualTo(0.25, within(1e-12));
    // 20 characters at 5 a second; the mean of 0 and 4
    assertThat(times.writing().seconds().estimate()).isEqualTo(4, within(1e-12));
    assertThat(times.editing().seconds().estimate()).isEqualTo(2, within(1e-12));
    assertThat(times.editing().observations()).isEqualTo(40);
    assertThat(times.rule().threshold().orElseThrow()).isEqualTo(3.25 / 2, within(1e-12));
    // two users who differ: the interval is theirs, not that of 60 independent looks
    assertThat(times.verification().seconds().high()).isGreaterThan(5);
  }

  @Test
  void aCoffeeIsNoReading() throws UnusableLogException {
    List<TimedSuggestion> log = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      log.add(kept(i % 2 == 0 ? "ada" : "bob", 10, i == 0 ? 3_600 : 1, 0));
    }

    assertThat(TimesEstimate.of(log, 5, 41).verification().seconds().estimate())
        .isEqualTo(2, within(1e-12));
  }

  @Test
  void whatTheLogDoesNotSayIsNamed() {
    List<TimedSuggestion> silent = new ArrayList<>();
    List<TimedSuggestion> alone = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      silent.add(
          new TimedSuggestion(
              i % 2 == 0 ? "ada" : "bob",
              10,
              true,
              OptionalDouble.of(1),
              i < 29 ? OptionalDouble.of(1) : OptionalDouble.empty(),
              OptionalDouble.of(0.1)));
      alone.add(kept("ada", 10, 1, 0));
    }

    assertThatThrownBy(() -> TimesEstimate.of(silent, 5, 60))
        .isInstanceOf(UnusableLogException.class)
        .hasMessage(
            "accepted as it was, or edit_duration: 29 suggestions of 2 users say it (expected: at"
                + " least 30 of 2 users)");
    assertThatThrownBy(() -> TimesEstimate.of(alone, 5, 60))
        .isInstanceOf(UnusableLogException.class)
        .hasMessageStartingWith("verification_duration: 40 suggestions of 1 users say it");
    assertThatThrownBy(() -> TimesEstimate.of(List.of(), 5, 60))
        .isInstanceOf(UnusableLogException.class)
        .hasMessageStartingWith("verification_duration: 0 suggestions of 0 users");
  }

  private static TimedSuggestion kept(String user, int characters, double looked, double edited) {
    return new TimedSuggestion(
        user,
        characters,
        true,
        OptionalDouble.of(looked),
        OptionalDouble.of(edited),
        OptionalDouble.of(0.25));
  }

  private static TimedSuggestion rejected(String user, double looked) {
    return new TimedSuggestion(
        user, 0, false, OptionalDouble.of(looked), OptionalDouble.empty(), OptionalDouble.of(0.25));
  }
}
