package io.ballast.loadtest.bench;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/** What processes have kept cores busy for. */
final class ProcessCpu {
  private ProcessCpu() {}

  /**
   * Seconds of CPU of a process and of those that it started and that are alive, since they began;
   * in steps of what the system counts, mostly 10 ms.
   *
   * @throws IllegalStateException if the system does not tell
   */
  static double seconds(ProcessHandle process) {
    return Stream.concat(Stream.of(process), process.descendants())
            .map(each -> each.info().totalCpuDuration())
            .flatMap(Optional::stream)
            .reduce(Duration::plus)
            .orElseThrow(
                () -> new IllegalStateException("the CPU time of " + process.pid() + " is hidden"))
            .toNanos()
        / 1e9;
  }
}
