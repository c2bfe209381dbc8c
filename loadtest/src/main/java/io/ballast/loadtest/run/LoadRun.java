package io.ballast.loadtest.run;

import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.report.Check;
import io.ballast.loadtest.report.FaultResult;
import io.ballast.loadtest.report.GeneratorCheck;
import io.ballast.loadtest.report.LoadFigures;
import io.ballast.loadtest.report.LoadReport;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import java.time.InstantSource;
import java.util.List;

/** Loads a mesh as a scenario says, unless the generator could not keep up, and judges it. */
public final class LoadRun {
  private static final double NANOS = 1e9;

  private final MeshPlace place;
  private final int processes;

  /**
   * @param processes that share the load, at least 1
   */
  public LoadRun(MeshPlace place, int processes) {
    this.place = place;
    this.processes = processes;
  }

  /**
   * Runs one load.
   *
   * @throws RefusedLoadException if the mesh does not answer the calls before it
   */
  public LoadReport run(LoadScenario scenario) throws InterruptedException {
    try (LoadGenerator generator = ready(scenario)) {
      return run(scenario, generator);
    }
  }

  private LoadGenerator ready(LoadScenario scenario) {
    return Worker.ready(
        scenario, 0, processes, new SystemPacer(), InstantSource.system(), place);
  }

  LoadReport run(LoadScenario scenario, LoadGenerator generator) throws InterruptedException {
    LoadFigures none = new LoadFigures(scenario, new Mix(scenario.mix(), scenario.seed()));
    GeneratorCheck before = check(scenario, generator.ceiling(), none);
    if (before.flaw().isPresent()) {
      return new LoadReport(
          scenario, place.words(), processes, none, before, List.of(), List.of());
    }
    try (FaultScript script = new FaultScript(scenario.faults())) {
      LoadPart all = generator.send();
      List<FaultResult> faults = script.finish();
      return new LoadReport(
          scenario,
          place.words(),
          processes,
          all.figures(),
          check(scenario, all.ceiling(), all.figures()),
          Check.of(scenario, all.figures(), all.kept()),
          faults);
    }
  }

  private static GeneratorCheck check(
      LoadScenario scenario, double ceiling, LoadFigures figures) {
    return new GeneratorCheck(
        ceiling,
        scenario.peakRate(),
        scenario.generator().headroom(),
        figures.sendDelay(99),
        scenario.generator().sendDelayP99().toNanos() / NANOS,
        figures.total().count(Fate.UNSENT));
  }
}
