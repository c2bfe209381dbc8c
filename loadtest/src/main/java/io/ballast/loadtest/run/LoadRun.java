package io.ballast.loadtest.run;

import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.report.Check;
import io.ballast.loadtest.report.FaultResult;
import io.ballast.loadtest.report.GeneratorCheck;
import io.ballast.loadtest.report.LoadFigures;
import io.ballast.loadtest.report.LoadReport;
import io.ballast.loadtest.report.MemoryTrend;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Loads a mesh as a scenario says, unless the generator could not keep up, and judges it. */
public final class LoadRun {
  private static final double NANOS = 1e9;

  private final MeshPlace place;
  private final Launch launch;
  private final @Nullable MemorySource memory;

  /** Loads whose server's memory nobody looks at. */
  public LoadRun(MeshPlace place, Launch launch) {
    this(place, launch, null);
  }

  /**
   * @param memory where the server's memory is read; null: nowhere
   */
  public LoadRun(MeshPlace place, Launch launch, @Nullable MemorySource memory) {
    this.place = place;
    this.launch = launch;
    this.memory = memory;
  }

  /**
   * Runs one load.
   *
   * @throws RefusedLoadException if the mesh does not answer the calls before it
   */
  public LoadReport run(LoadScenario scenario) throws InterruptedException {
    try (LoadGenerator generator = launch.ready(scenario, place)) {
      return run(scenario, generator);
    }
  }

  private LoadReport run(LoadScenario scenario, LoadGenerator generator)
      throws InterruptedException {
    LoadFigures none = new LoadFigures(scenario, new Mix(scenario.mix(), scenario.seed()));
    GeneratorCheck before =
        check(scenario, generator.ceiling(), none, scenario.calls() > scenario.maxCalls());
    if (before.flaw().isPresent()) {
      return new LoadReport(
          scenario, place.words(), launch.processes(), none, before, List.of(), List.of(), null);
    }
    try (FaultScript script = new FaultScript(scenario.faults());
        MemoryWatch watch = memory == null ? null : new MemoryWatch(scenario, memory)) {
      LoadPart all = generator.send();
      MemoryTrend trend = watch == null ? null : watch.finish();
      List<FaultResult> faults = script.finish();
      return new LoadReport(
          scenario,
          place.words(),
          launch.processes(),
          all.figures(),
          check(scenario, all.ceiling(), all.figures(), all.cutShort()),
          Check.of(scenario, all.figures(), all.kept(), trend),
          faults,
          trend);
    }
  }

  private static GeneratorCheck check(
      LoadScenario scenario, double ceiling, LoadFigures figures, boolean cutShort) {
    return new GeneratorCheck(
        ceiling,
        scenario.peakRate(),
        scenario.generator().headroom(),
        figures.sendDelay(99),
        scenario.generator().sendDelayP99().toNanos() / NANOS,
        figures.total().count(Fate.UNSENT),
        cutShort);
  }
}
