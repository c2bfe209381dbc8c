package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;

/** What a version in a request must be. Each check throws MALFORMED_REQUEST, naming the field. */
final class Versions {
  private static final String DIGITS = "64 lower-case hexadecimal digits";

  private Versions() {}

  /** Model and version are names; the checksum may be left out. */
  static void require(String field, PinnedVersion version) {
    requireName(field + ".model", version.model());
    requireName(field + ".version", version.version());
    requireSha(field + ".weights_sha256", version.weightsSha256());
  }

  /** As {@link #require}, and the checksum is there. */
  static void requirePinned(String field, PinnedVersion version) {
    require(field, version);
    if (version.weightsSha256().isEmpty()) {
      throw Texts.malformed(field + ".weights_sha256", "empty (expected: " + DIGITS + ")");
    }
  }

  static void requireName(String field, String name) {
    var unused = Texts.requireName(field, name);
  }

  /** A digest, or none. */
  static void requireSha(String field, String sha) {
    if (!sha.isEmpty() && !Sha256.matches(sha)) {
      throw Texts.malformed(
          field, "%d characters (expected: %s, or none)".formatted(sha.length(), DIGITS));
    }
  }
}
