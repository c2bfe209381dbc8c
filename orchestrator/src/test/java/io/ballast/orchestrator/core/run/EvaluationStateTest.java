package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.spec.EarlyStopSpec;
import org.junit.jupiter.api.Test;

/** What follows from evaluations: which is the best, and when they no longer improve. */
class EvaluationStateTest {
  private static final EarlyStopSpec STOP = new EarlyStopSpec(2, 0.5);

  @Test
  void theBestIsTheFirstOfEquals() {
    EvaluationState state = EvaluationState.NONE;
    state = state.after(1, mean(-3), null);
    state = state.after(6, mean(-1), null);
    state = state.after(11, mean(-1), null);
    state = state.after(16, mean(-2), null);

    assertThat(state).isEqualTo(new EvaluationState(6, -1, -1, 2));
  }

  @Test
  void smallStepsAddUpToAnImprovementAndDoNotHideThatTheyAreSmall() {
    EvaluationState first = EvaluationState.NONE.after(1, mean(1), STOP);
    EvaluationState second = first.after(2, mean(1.25), STOP);
    EvaluationState third = second.after(3, mean(1.5), STOP);

    // 1.5 is not more than 0.5 over 1, the second time in a row; it is the best all the same
    assertThat(third).isEqualTo(new EvaluationState(3, 1.5, 1, 2));
    assertThat(second.stopReason(mean(1.25), STOP)).isEmpty();
    assertThat(third.stopReason(mean(1.5), STOP))
        .isEqualTo(
            "early_stop: evaluation 1.5000, number 2 in a row that is not more than 0.5 over 1.0000");
    assertThat(third.stopReason(null, STOP)).as("nothing was evaluated").isEmpty();
    assertThat(third.stopReason(mean(1.5), null)).as("nothing is to stop it").isEmpty();
    assertThat(second.after(3, mean(1.75), STOP)).isEqualTo(new EvaluationState(3, 1.75, 1.75, 0));
  }

  @Test
  void whatCouldNotBeReadCountsNeitherForNorAgainst() {
    EvaluationState state = EvaluationState.NONE.after(1, mean(1), STOP);

    EvaluationReading failed = new EvaluationReading.Failed("TOO_FEW_SCORES", "busy");
    assertThat(state.after(2, failed, STOP)).isEqualTo(state);
    assertThat(state.after(2, null, STOP)).isEqualTo(state);
  }

  private static EvaluationReading mean(double mean) {
    return new EvaluationReading.Measured(mean, mean - 1, mean + 1, 0.95, 8, 8, 0);
  }
}
