package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.ConstraintState;
import io.ballast.orchestrator.core.run.EvaluationState;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.Spent;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.constraint.TaggedCost;
import io.ballast.rl.stats.RunningMoments;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** What an iteration hands on comes back bit for bit, also from before constraints had names. */
class StateJsonTest {
  @Test
  void constraintsComeBackWithTheirPricesAndTaggedCosts() {
    LoopState state =
        new LoopState(
            List.of(
                new ConstraintState(
                    "harm", 0.1 + 0.2, List.of(new TaggedCost(1.0 / 3, 4), new TaggedCost(0, 5))),
                new ConstraintState("secrets", 2, List.of())),
            new RecipeState(
                RunningMoments.empty().add(1, 2, 4.5),
                RunningMoments.empty().add(1.0 / 3),
                OptionalDouble.of(0.1 + 0.2),
                1L << 40),
            null,
            null,
            new EvaluationState(5, 0.1 + 0.2, 1.0 / 3, 2),
            List.of(),
            new DataCursor(
                List.of(new DataCursor.Place(2, 3, 5, 13), new DataCursor.Place(-1, 0, 0, 0)),
                new DataCursor.Stream("AQ==", 17)),
            7);

    assertThat(StateJson.loopState(StateJson.write(state), 5)).isEqualTo(state);
  }

  @Test
  void aStateFromBeforeIsReadAsOfTheNewestPolicy() {
    LoopState state = StateJson.loopState("{\"lambda\": 0.7, \"costs\": [0.25, 0.5]}", 6);

    assertThat(state.constraints())
        .containsExactly(
            new ConstraintState(
                "harm", 0.7, List.of(new TaggedCost(0.25, 6), new TaggedCost(0.5, 6))));
    assertThat(state.recipe()).isEqualTo(RecipeState.initial());
    assertThat(state.cursor()).isEqualTo(DataCursor.none());
    assertThat(state.evaluation()).isEqualTo(new EvaluationState(0, 0, 0, 0));
    assertThat(state.defaultsVersion()).isEqualTo(1);
    assertThat(StateJson.loopState("{\"constraints\": []}", 6).defaultsVersion()).isEqualTo(2);
  }

  @Test
  void evaluationsComeBackAndNoneIsNone() {
    EvaluationReading measured =
        new EvaluationReading.Measured(0.1 + 0.2, 1.0 / 3, 0.7, 0.95, 12, 40, 8);
    EvaluationReading failed = new EvaluationReading.Failed("TOO_FEW_SCORES", "busy");

    assertThat(EvaluationJson.reading(EvaluationJson.write(measured))).isEqualTo(measured);
    assertThat(EvaluationJson.reading(EvaluationJson.write(failed))).isEqualTo(failed);
    assertThat(EvaluationJson.reading(EvaluationJson.write(null))).isNull();
  }

  @Test
  void whatWasSpentComesBackAndUnknownIsUnknown() {
    Spent spent = new Spent(1L << 40, 0.1 + 0.2, 1.0 / 3);
    Spent priceless = new Spent(0, 0, null);

    assertThat(SpentJson.spent(SpentJson.write(spent))).isEqualTo(spent);
    assertThat(SpentJson.spent(SpentJson.write(priceless))).isEqualTo(priceless);
    assertThat(SpentJson.spent(SpentJson.write(null))).isNull();
  }

  @Test
  void measuredHarmComesBack() {
    List<MeasuredReading> readings =
        List.of(
            new MeasuredReading.Measured("test", 1.0 / 3, 0.1 + 0.2, 0.25, 64, 3),
            new MeasuredReading.Failed("truth", "DEPENDENCY_DOWN", "away"));

    assertThat(MeasuredJson.readings(MeasuredJson.write(readings))).isEqualTo(readings);
    assertThat(MeasuredJson.readings("[]")).isEmpty();
  }

  @Test
  void readingsComeBackAndOldOnesStandForTheOnlyConstraint() {
    List<ConstraintReading> readings =
        List.of(
            new ConstraintReading("harm", 0.1, 0.3, 5.0, 0.2, true),
            new ConstraintReading("off", 0.2, null, null, null, false));
    ConstraintReading old = new ConstraintReading("harm", 0.4, null, null, null, false);

    assertThat(ConstraintJson.readings(ConstraintJson.write(readings), old)).isEqualTo(readings);
    assertThat(ConstraintJson.readings("[]", old)).containsExactly(old);
  }
}
