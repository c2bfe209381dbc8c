package io.ballast.safety.core.canary;

import java.time.Instant;
import java.util.UUID;

/**
 * A canary: a version that serves a part of an alias's requests.
 *
 * @param startRevision the alias's revision since it began, which its decisions name
 * @param canaryVersion its version
 * @param controlVersion what serves beside it
 * @param share of requests that it serves
 * @param certificateId by which it began
 * @param startedAt when it began, by the policy-server's clock
 */
public record CanarySubject(
    String model,
    String alias,
    long startRevision,
    String canaryVersion,
    String controlVersion,
    double share,
    UUID certificateId,
    Instant startedAt) {
  /** The version of an arm. */
  String version(Arm arm) {
    return switch (arm) {
      case CANARY -> canaryVersion;
      case CONTROL -> controlVersion;
    };
  }
}
