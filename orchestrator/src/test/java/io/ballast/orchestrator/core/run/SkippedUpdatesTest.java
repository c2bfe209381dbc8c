package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is said of a run whose policy never moved. */
class SkippedUpdatesTest {
  @Test
  void eachReasonIsCounted() {
    assertThat(
            SkippedUpdates.noneTaken(
                "in 4 iterations",
                List.of(
                    did(UpdateOutcome.NOT_FINITE),
                    did(UpdateOutcome.NO_SIGNAL),
                    did(UpdateOutcome.NOT_FINITE),
                    did(UpdateOutcome.UPDATED))))
        .isEqualTo(
            "no update of the policy was taken in 4 iterations:"
                + " 2 not finite, 1 no signal, 1 of the critic alone;"
                + " the weights are those the run began with");
  }

  private static LearningMetrics did(UpdateOutcome outcome) {
    return new LearningMetrics(outcome, "", 0, 0.1, 0, Map.of());
  }
}
