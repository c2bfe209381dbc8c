package io.ballast.loadtest;

import io.ballast.loadtest.run.Launch;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How many processes send a load. */
final class ProcessOptions {
  private static final int MOST = 64;

  @Option(
      names = "--processes",
      defaultValue = "1",
      description = "How many processes share the load, 1 to 64 (default: ${DEFAULT-VALUE}).")
  private int processes;

  /**
   * What makes them ready.
   *
   * @param file the scenario
   * @throws IllegalArgumentException naming the option
   */
  Launch launch(Path file) {
    if (processes < 1 || processes > MOST) {
      throw new IllegalArgumentException("processes: " + processes + " (allowed: 1 to 64)");
    }
    return processes == 1 ? Launch.here() : Launch.children(file, processes);
  }
}
