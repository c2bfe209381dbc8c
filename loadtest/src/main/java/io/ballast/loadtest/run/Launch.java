package io.ballast.loadtest.run;

import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.scenario.LoadScenario;
import java.nio.file.Path;
import java.time.InstantSource;

/** How what sends a load is made ready. */
public interface Launch {
  /** How many processes share a load. */
  int processes();

  /**
   * Measures the generator and makes the first calls.
   *
   * @throws RefusedLoadException if the mesh does not answer
   */
  LoadGenerator ready(LoadScenario scenario, MeshPlace place);

  /** This process alone. */
  static Launch here() {
    return new Launch() {
      @Override
      public int processes() {
        return 1;
      }

      @Override
      public LoadGenerator ready(LoadScenario scenario, MeshPlace place) {
        return Worker.ready(scenario, 0, 1, new SystemPacer(), InstantSource.system(), place);
      }
    };
  }

  /**
   * Processes of their own that share a load.
   *
   * @param file the scenario, whose phases may have been exchanged
   * @param processes at least 1
   */
  static Launch children(Path file, int processes) {
    return new Launch() {
      @Override
      public int processes() {
        return processes;
      }

      @Override
      public LoadGenerator ready(LoadScenario scenario, MeshPlace place) {
        return ChildProcesses.start(file, scenario, place, processes);
      }
    };
  }
}
