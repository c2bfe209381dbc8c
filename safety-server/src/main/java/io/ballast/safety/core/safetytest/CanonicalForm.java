package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * Text that is the same wherever it is written: a line for each field, {@code name length value},
 * where length is the number of the value's UTF-8 bytes. docs/certificates.md says more.
 */
final class CanonicalForm {
  private final StringBuilder text = new StringBuilder();

  CanonicalForm add(String name, String value) {
    int bytes = value.getBytes(StandardCharsets.UTF_8).length;
    text.append(name).append(' ').append(bytes).append(' ').append(value).append('\n');
    return this;
  }

  CanonicalForm add(String name, long value) {
    return add(name, Long.toString(value));
  }

  /** A double as the 16 hexadecimal digits of its IEEE 754 bits: exact in every language. */
  CanonicalForm add(String name, double value) {
    return add(name, "%016x".formatted(Double.doubleToLongBits(value)));
  }

  /** A time as seconds since 1970 and nine digits of nanoseconds. */
  CanonicalForm add(String name, Instant value) {
    return add(name, "%d.%09d".formatted(value.getEpochSecond(), value.getNano()));
  }

  CanonicalForm add(String name, PinnedVersion value) {
    return add(name + ".model", value.model())
        .add(name + ".version", value.version())
        .add(name + ".weights_sha256", value.weightsSha256());
  }

  String sha256() {
    return Sha256.of(text.toString());
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
