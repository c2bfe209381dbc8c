package io.ballast.standalone.experiment.safety;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.standalone.experiment.ExperimentProgress.Step;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Safety tests by the service of candidates that are barely unsafe: their true mean cost is over
 * the threshold by a billionth, so that none should pass, and one in ten may.
 */
final class CoverageStudy {
  static final double DELTA = .1;
  private static final double BARELY = 1e-9;
  private static final long SECONDS = 120;

  private final ScriptedMesh mesh;
  private final ExecutorService workers;
  private final Step progress;

  CoverageStudy(ScriptedMesh mesh, ExecutorService workers, Step progress) {
    this.mesh = mesh;
    this.workers = workers;
    this.progress = progress;
  }

  /**
   * What came of tests of one shape under one bound.
   *
   * @param passed of them: each a violation
   */
  record Cell(CostShape shape, BoundMethod method, int trials, int passed) {}

  /** How many tests all cells have together. */
  static long tests(int trials) {
    long cells = 0;
    for (CostShape shape : CostShape.values()) {
      cells += shape.methods().size();
    }
    return cells * trials;
  }

  /**
   * Runs them.
   *
   * @param trials of each cell
   */
  List<Cell> cells(int trials) throws IOException {
    List<Cell> cells = new ArrayList<>();
    for (CostShape shape : CostShape.values()) {
      int first = 0;
      for (BoundMethod method : shape.methods()) {
        cells.add(new Cell(shape, method, trials, passed(shape, method, first, trials)));
        first += trials;
      }
    }
    return cells;
  }

  private int passed(CostShape shape, BoundMethod method, int first, int trials)
      throws IOException {
    List<Callable<Boolean>> tests = new ArrayList<>();
    for (int trial = first; trial < first + trials; trial++) {
      int each = trial;
      tests.add(() -> passes(shape, method, each));
    }
    int passed = 0;
    try {
      for (Future<Boolean> test : workers.invokeAll(tests)) {
        passed += test.get() ? 1 : 0;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IOException(
          "a safety test of %s under %s: %s".formatted(shape.label(), method, e.getMessage()), e);
    }
    return passed;
  }

  private boolean passes(CostShape shape, BoundMethod method, int trial) {
    SafetyTest started =
        mesh.safety()
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .startSafetyTest(request(shape, method, trial))
            .getTest();
    SafetyTest ended =
        mesh.safety()
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .getSafetyTest(
                GetSafetyTestRequest.newBuilder()
                    .setTestId(started.getTestId())
                    .setWait(true)
                    .build())
            .getTest();
    progress.done(1);
    return switch (ended.getState()) {
      case SAFETY_TEST_STATE_PASSED -> true;
      case SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> false;
      default ->
          throw new IllegalStateException(
              "%s: %s %s"
                  .formatted(ended.getTestId(), ended.getState(), ended.getFailureMessage()));
    };
  }

  private static StartSafetyTestRequest request(CostShape shape, BoundMethod method, int trial) {
    SafetyTestSpec.Builder spec =
        SafetyTestSpec.newBuilder()
            .setCandidate(ScriptedPolicy.candidate(shape, trial))
            .setCostModel(
                ModelSelector.newBuilder()
                    .setModel(ScriptedCosts.ID.model())
                    .setVersion(ScriptedCosts.ID.version()))
            .setThreshold(shape.mean() - BARELY)
            .setDelta(DELTA)
            .setBoundMethod(
                io.ballast.safety.v1.BoundMethod.valueOf("BOUND_METHOD_" + method.name()));
    for (int i = 0; i < shape.size(); i++) {
      spec.addPrompts("%s %d, prompt %d".formatted(shape.label(), trial, i));
    }
    return StartSafetyTestRequest.newBuilder().setSpec(spec).build();
  }
}
