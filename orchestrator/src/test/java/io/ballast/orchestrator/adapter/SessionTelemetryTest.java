package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.learner.LearnerSession;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.SessionMonitor.Eviction;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

/** A session that made room is a line and a count. */
class SessionTelemetryTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final SessionTelemetry telemetry = new SessionTelemetry(meters);

  private static Eviction eviction(String roomFor) {
    return new Eviction(
        new LearnerSession.Identity(
            "id-1",
            "alice",
            new PinnedVersion("tiny", "3", "ab".repeat(32)),
            TraineeOptions.of(OptimizerSettings.ofRate(0.1)),
            Instant.EPOCH),
        12,
        Duration.ofMinutes(61),
        roomFor);
  }

  private double counted(String roomFor) {
    return meters
        .get("ballast.learner.sessions.evicted")
        .tag("room_for", roomFor)
        .counter()
        .count();
  }

  @Test
  void itSaysWhoseItWasAndForWhom() {
    assertThat(counted("other_tenant")).as("there from the start, for alerts").isZero();
    try (HeardLog log = HeardLog.of(SessionTelemetry.class.getName(), Level.WARNING)) {
      telemetry.evicted(eviction("bob"));

      assertThat(log.messages())
          .containsExactly(
              "learner session id-1 of tenant 'alice' on tiny/3 with 12 updates was closed after 61"
                  + " min without use, to make room for one of tenant 'bob': what it had not saved"
                  + " is gone");
    }
    assertThat(counted("other_tenant")).isEqualTo(1);
    assertThat(counted("same_tenant")).isZero();
    telemetry.evicted(eviction("alice"));
    assertThat(counted("same_tenant")).isEqualTo(1);
  }
}
