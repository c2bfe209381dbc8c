package io.ballast.safety.grpc;

import com.google.protobuf.Duration;
import io.ballast.kit.call.Texts;
import io.ballast.rl.gate.UtilityRule;
import io.ballast.safety.core.gate.StageRule;
import io.ballast.safety.v1.GateReplay;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateTimes;
import java.util.Optional;

/** Translates the rule that a decision is replayed by. */
final class GateRules {
  private static final double NANOS = 1e9;
  private static final long MAX_SECONDS = 86_400;

  private GateRules() {}

  /**
   * The rule that a request asks for; empty: the tenant's.
   *
   * @param pinned whether the request names a gate version
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST
   */
  static Optional<StageRule> rule(boolean pinned, GateReplay replay) {
    GateRule rule = replay.getRule();
    boolean timed = replay.hasTimes();
    if (rule != GateRule.GATE_RULE_UNSPECIFIED && !pinned) {
      throw Texts.malformed("replay.rule", rule + " without gate_version");
    }
    if (timed != (rule == GateRule.GATE_RULE_TIME_SAVED)) {
      throw Texts.malformed(
          "replay.times",
          timed
              ? "given (expected: none with the rule %s)".formatted(rule)
              : "absent (expected: the times to decide by, with the rule %s)".formatted(rule));
    }
    return switch (rule) {
      case GATE_RULE_UNSPECIFIED -> Optional.empty();
      case GATE_RULE_LINES -> Optional.of(new StageRule.Lines());
      case GATE_RULE_TIME_SAVED -> Optional.of(new StageRule.TimeSaved(utility(replay.getTimes())));
      case UNRECOGNIZED -> throw Texts.malformed("replay.rule", "unknown (expected: a known rule)");
    };
  }

  private static UtilityRule utility(GateTimes times) {
    return new UtilityRule(
        seconds("replay.times.verification_duration", times.getVerificationDuration()),
        seconds("replay.times.waiting_duration", times.getWaitingDuration()),
        seconds("replay.times.writing_duration", times.getWritingDuration()),
        seconds("replay.times.editing_duration", times.getEditingDuration()));
  }

  private static double seconds(String field, Duration duration) {
    long seconds = duration.getSeconds();
    int nanos = duration.getNanos();
    if (seconds < 0 || seconds > MAX_SECONDS || nanos < 0 || nanos >= NANOS) {
      throw Texts.malformed(field, "%d s, %d ns (expected: 0 to a day)".formatted(seconds, nanos));
    }
    return (seconds * NANOS + nanos) / NANOS;
  }

  /** The times as a message; the same double comes back of it. */
  static GateTimes times(UtilityRule times) {
    return GateTimes.newBuilder()
        .setVerificationDuration(duration(times.verification()))
        .setWaitingDuration(duration(times.waiting()))
        .setWritingDuration(duration(times.writing()))
        .setEditingDuration(duration(times.editing()))
        .build();
  }

  private static Duration duration(double seconds) {
    long nanos = Math.round(seconds * NANOS);
    return Duration.newBuilder()
        .setSeconds(nanos / (long) NANOS)
        .setNanos((int) (nanos % (long) NANOS))
        .build();
  }
}
