package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

/** What was deleted for its age is a line and a count. */
class RetentionTelemetryTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final RetentionTelemetry telemetry = new RetentionTelemetry(meters);

  private double counted(String what) {
    return meters.get("ballast.run.expired").tag("what", what).counter().count();
  }

  @Test
  void itSaysOfHowManyRuns() {
    assertThat(counted("prompts")).as("there from the start").isZero();
    assertThat(counted("samples")).as("there from the start").isZero();
    try (HeardLog log = HeardLog.of(RetentionTelemetry.class.getName(), Level.INFO)) {
      telemetry.promptsDeleted(100);
      telemetry.promptsDeleted(7);
      telemetry.samplesDeleted(2);

      assertThat(log.messages())
          .containsExactly(
              "deleted the prompts of 100 runs that ended longer ago than they are kept",
              "deleted the prompts of 7 runs that ended longer ago than they are kept",
              "deleted samples of skipped updates of 2 runs that ended longer ago than they are"
                  + " kept");
    }
    assertThat(counted("prompts")).isEqualTo(107);
    assertThat(counted("samples")).isEqualTo(2);
  }
}
