package io.ballast.loadtest;

import io.ballast.loadtest.openloop.Durations;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code 30s}. */
public final class DurationOption implements ITypeConverter<Duration> {
  /** For options of picocli. */
  public DurationOption() {}

  @Override
  public Duration convert(String value) {
    try {
      return Durations.parse(value);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
