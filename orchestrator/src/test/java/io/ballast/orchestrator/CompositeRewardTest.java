package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run whose reward is a composite, on a real learner and a real database. */
class CompositeRewardTest {
  @TempDir private Path root = Path.of(".");
  private TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aSpreadThatIsNotThereIsNowhereANumber() {
    String runId = mesh.create(TestSpecs.composed("composed", "")).getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getLatest().hasMeanSpread()).isFalse();
    assertThat(mesh.get(runId).getIterationsList())
        .hasSize(3)
        .noneMatch(IterationMetrics::hasMeanSpread);
    int numbers =
        mesh.database
            .jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery("select count(mean_spread) from run_iteration")
                        .mapTo(Integer.class)
                        .one());
    assertThat(numbers).as("rows with a spread").isZero();
    LoopState state = mesh.database.runs().loopState(runId);
    assertThat(Objects.requireNonNull(state.firstVitals()).spread()).isEmpty();
    assertThat(Objects.requireNonNull(state.watch()).monitor().firstSpread()).isEmpty();
  }

  @Test
  void itsGaugeIsNoNumber() throws InterruptedException {
    String runId = mesh.createUpTo(2, TestSpecs.composed("seen", ""));

    double spread = mesh.meters.get("ballast.run.spread").tag("run", "seen").gauge().value();
    mesh.letSample();
    mesh.awaitEnd(runId);

    assertThat(spread).isNaN();
  }

  @Test
  void noAggregationIsAskedOfAComposite() {
    mesh.awaitEnd(
        mesh.create(TestSpecs.composed("asked", "watch: {gold: {model: gold, version: 1}}"))
            .getRunId());

    assertThat(mesh.rewards.calls).isNotEmpty().noneMatch(ScoreRequest::hasAggregation);
    assertThat(mesh.rewards.goldCalls)
        .isNotEmpty()
        .extracting(ScoreRequest::getAggregation)
        .extracting(Aggregation::getMethod)
        .containsOnly(AggregationMethod.AGGREGATION_METHOD_MEAN);
  }

  /** One that was not there when the run began, or that told a spread then. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "stop: {spread_growth: 2}      | stop.spread_growth: 2.0",
        "watch: {max_spread_growth: 4} | watch.max_spread_growth: 4.0"
      })
  void aLimitOfWhatIsNotThereFailsTheRun(String limit, String begin) {
    mesh.rewards.check = model -> ScoreResult.newBuilder().setValue(1).setSpread(0.2).build();

    Run run = mesh.awaitEnd(mesh.create(TestSpecs.composed("limited", limit)).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(run.getMessage())
        .isEqualTo(begin + " (expected: absent; mix/2 tells no spread of members)");
    assertThat(run.getIterationsDone()).isZero();
  }
}
