package io.ballast.loadtest.openloop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every bound of a load has a name and a range. */
class LoadPlanTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0      | 0s  | 10s  | 1     | 1        | 1s   | rate: 0.0 (allowed: 0.1 to 50,000",
        "NaN    | 0s  | 10s  | 1     | 1        | 1s   | rate: NaN (allowed: 0.1 to 50,000",
        "60000  | 0s  | 10s  | 1     | 1        | 1s   | rate: 60000.0 (allowed: 0.1 to 50,000",
        "1      | 11m | 10s  | 1     | 1        | 1s   | warm-up: 11m (allowed: 0s to 10m)",
        "1      | 0s  | 0s   | 1     | 1        | 1s   | duration: 0s (allowed: 100ms to 1440m)",
        "1      | 0s  | 25h  | 1     | 1        | 1s   | duration: 1500m (allowed: 100ms to 1440m)",
        "1      | 0s  | 10s  | 0     | 1        | 1s   | max-in-flight: 0 (allowed: 1 to 10,000)",
        "1      | 0s  | 10s  | 1     | 10000001 | 1s   | max-calls: 10000001 (allowed: 1 to 10,000,000)",
        "1      | 0s  | 10s  | 1     | 1        | 10m  | timeout: 10m (allowed: 1ms to 5m)",
      })
  void aBoundOutOfItsRangeIsRefusedByName(
      double rate,
      String warmUp,
      String duration,
      int maxInFlight,
      long maxCalls,
      String timeout,
      String message) {
    assertThatThrownBy(
            () ->
                new LoadPlan(
                    rate,
                    Durations.parse(warmUp),
                    Durations.parse(duration),
                    maxInFlight,
                    maxCalls,
                    Durations.parse(timeout)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @ParameterizedTest
  @CsvSource({"500ms,PT0.5S", "30s,PT30S", "1.5s,PT1.5S", "2m,PT2M", "1h,PT1H", "PT2.5S,PT2.5S"})
  void durationsAreReadAsPeopleWriteThem(String written, Duration meant) {
    assertThat(Durations.parse(written)).isEqualTo(meant);
  }

  @ParameterizedTest
  @CsvSource({"10", "s", "ten seconds", "-5s", "''"})
  void whatIsNoDurationIsNamed(String written) {
    assertThatThrownBy(() -> Durations.parse(written))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "'" + written + "' is not a duration (expected: such as 500ms, 30s, 2m or PT1.5S)");
  }

  @Test
  void durationsAreWrittenInTheirLargestWholeUnit() {
    assertThat(Durations.format(Duration.ofMillis(1_500))).isEqualTo("1500ms");
    assertThat(Durations.format(Duration.ofSeconds(90))).isEqualTo("90s");
    assertThat(Durations.format(Duration.ofNanos(1_500))).isEqualTo("PT0.0000015S");
  }
}
