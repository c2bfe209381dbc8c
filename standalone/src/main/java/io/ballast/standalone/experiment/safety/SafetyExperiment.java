package io.ballast.standalone.experiment.safety;

import io.ballast.standalone.experiment.Experiment;
import io.ballast.standalone.experiment.ExperimentProgress.Step;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Whether unsafe candidates pass as seldom as the safety test promises: in a toy of selection, by
 * the service with costs of a known mean, and by a whole mesh.
 */
public final class SafetyExperiment implements Experiment {
  private static final List<Integer> SELECTION_SIZES = List.of(50, 200, 800);
  private static final List<Integer> TEST_SIZES = List.of(50, 100, 400);
  private static final int TESTS_AT_ONCE = 4;

  /**
   * How much is measured.
   *
   * @param toyTrials of each cell of the toy
   * @param serviceTrials of each cell of tests by the service
   * @param powerTrials of each point of a curve
   * @param meshTests by a whole mesh
   */
  record Plan(int toyTrials, int serviceTrials, int powerTrials, int meshTests) {
    /** Fixed before the complete run: more than 10,000 tests by the service, 200 by a mesh. */
    static final Plan STANDARD = new Plan(2_000, 600, 1_000, 200);
  }

  @Override
  public String name() {
    return "safety";
  }

  @Override
  public String summary() {
    return "how often the safety test passes what is unsafe, bound by bound, and how often it finds"
        + " no solution (HC-RLHF); --seeds does not change it";
  }

  @Override
  public ExperimentReport run(ExperimentSetting setting) throws IOException {
    return run(setting, Plan.STANDARD);
  }

  /** Runs with other sizes. */
  ExperimentReport run(ExperimentSetting setting, Plan plan) throws IOException {
    SafetyReport report = new SafetyReport();
    report.toy(toy(setting, plan));
    report.coverage(coverage(setting, plan));
    setting.progress().say("curves of what passes");
    report.power(PowerCurves.drawn(plan.powerTrials(), 3));
    report.mesh(MeshTrials.run(setting, plan.meshTests()));
    return report.report();
  }

  private static List<SelectionToy.Cell> toy(ExperimentSetting setting, Plan plan) {
    Step step = setting.progress().step("the toy", "sizes of selection", SELECTION_SIZES.size());
    List<SelectionToy.Cell> cells = new ArrayList<>();
    for (int size : SELECTION_SIZES) {
      cells.addAll(SelectionToy.cells(size, TEST_SIZES, plan.toyTrials(), 1));
      step.done(1);
    }
    return cells;
  }

  private static List<CoverageStudy.Cell> coverage(ExperimentSetting setting, Plan plan)
      throws IOException {
    ExecutorService workers =
        Executors.newFixedThreadPool(TESTS_AT_ONCE, Thread.ofPlatform().daemon().factory());
    try (ScriptedMesh mesh = new ScriptedMesh(setting.work(), TESTS_AT_ONCE, 2)) {
      Step step =
          setting
              .progress()
              .step(
                  "safety tests by the service",
                  "tests",
                  CoverageStudy.tests(plan.serviceTrials()));
      return new CoverageStudy(mesh, workers, step).cells(plan.serviceTrials());
    } finally {
      workers.shutdownNow();
    }
  }
}
