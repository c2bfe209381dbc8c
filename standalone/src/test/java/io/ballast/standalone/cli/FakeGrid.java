package io.ballast.standalone.cli;

import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/** Runs whose evaluation is 10,000 times their learning rate less their KL's coefficient. */
final class FakeGrid {
  private static final double RATE = 10_000;

  private final FakeMesh mesh;
  private final Map<String, Run> runs = new HashMap<>();

  FakeGrid(FakeMesh mesh) {
    this.mesh = mesh;
  }

  /** The same key gets the same run. */
  Run create(CreateRunRequest request) {
    String id = idOf(request.getMetadata().getIdempotencyKey());
    return runs.computeIfAbsent(
        id,
        unused ->
            Run.newBuilder()
                .setRunId(id)
                .setName(spec(request.getSpec()).name())
                .setSpec(request.getSpec())
                .setState(RunState.RUN_STATE_QUEUED)
                .setIterationsCount(3)
                .setBaseVersion(FakeMesh.POLICY)
                .build());
  }

  static String idOf(String key) {
    return UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
  }

  private static RunSpec spec(String text) {
    return new SpecParser().apply(text);
  }

  /** Lets a run end. */
  Run end(String id) {
    return runs.computeIfPresent(id, (unused, run) -> ended(run));
  }

  private Run ended(Run run) {
    boolean fails = !mesh.failingRuns.isEmpty() && run.getSpec().contains(mesh.failingRuns);
    return fails
        ? run.toBuilder().setState(RunState.RUN_STATE_FAILED).setMessage("broken").build()
        : run.toBuilder()
            .setState(mesh.endOfRun)
            .setIterationsDone(3)
            .setCandidateIteration(2)
            .setLatest(iteration(run, 3))
            .build();
  }

  /** A run with its iterations. */
  GetRunResponse get(String id) {
    Run run = Objects.requireNonNull(runs.get(id), id);
    GetRunResponse.Builder answer = GetRunResponse.newBuilder().setRun(run);
    for (int i = 1; i <= run.getIterationsDone(); i++) {
      answer.addIterations(iteration(run, i));
    }
    return answer.build();
  }

  private static IterationMetrics iteration(Run run, int number) {
    RunSpec spec = spec(run.getSpec());
    IterationMetrics.Builder metrics =
        IterationMetrics.newBuilder().setIteration(number).setMeanReward(spec.seed());
    if (spec.evaluation() != null) {
      double mean =
          RATE * spec.learningRate().peak() - spec.returnKlCoefficient() + (number == 2 ? 0 : 9);
      metrics.setEvaluation(
          Evaluation.newBuilder()
              .setMeanReward(mean)
              .setLow(mean - 0.5)
              .setHigh(mean + 0.5)
              .setConfidence(0.95)
              .setN(2));
    }
    return metrics.build();
  }
}
