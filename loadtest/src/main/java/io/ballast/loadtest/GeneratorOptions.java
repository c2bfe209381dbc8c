package io.ballast.loadtest;

import io.ballast.loadtest.openloop.Durations;
import io.ballast.loadtest.scenario.GeneratorLimits;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Beyond what the generator's own figures are not believed, of a load without a file. */
final class GeneratorOptions {
  private static final Duration LEAST_DELAY = Duration.ofMillis(1);
  private static final Duration MOST_DELAY = Duration.ofSeconds(10);
  private static final Duration LEAST_CALIBRATION = Duration.ofMillis(100);
  private static final Duration MOST_CALIBRATION = Duration.ofSeconds(30);

  @Option(
      names = "--send-delay-p99",
      defaultValue = "20ms",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description =
          "Exit 5 without figures if 99 of 100 calls were sent later than this, 1ms to 10s"
              + " (default: ${DEFAULT-VALUE}).")
  private Duration sendDelay = Duration.ZERO;

  @Option(
      names = "--headroom",
      defaultValue = "1.5",
      description =
          "Exit 5, and nothing is sent, if the generator does not manage the rate times this,"
              + " 1 to 10 (default: ${DEFAULT-VALUE}).")
  private double headroom;

  @Option(
      names = "--calibration",
      defaultValue = "1s",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description =
          "How long the generator measures that before, 100ms to 30s (default: ${DEFAULT-VALUE}).")
  private Duration calibration = Duration.ZERO;

  /**
   * What was asked for.
   *
   * @throws IllegalArgumentException naming the option
   */
  GeneratorLimits limits() {
    requireBetween(sendDelay, LEAST_DELAY, MOST_DELAY, "send-delay-p99");
    requireBetween(calibration, LEAST_CALIBRATION, MOST_CALIBRATION, "calibration");
    if (!(headroom >= 1 && headroom <= 10)) {
      throw new IllegalArgumentException("headroom: " + headroom + " (allowed: 1 to 10)");
    }
    return new GeneratorLimits(sendDelay, headroom, calibration);
  }

  private static void requireBetween(Duration value, Duration least, Duration most, String name) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "%s: %s (allowed: %s to %s)"
              .formatted(
                  name, Durations.format(value), Durations.format(least), Durations.format(most)));
    }
  }
}
