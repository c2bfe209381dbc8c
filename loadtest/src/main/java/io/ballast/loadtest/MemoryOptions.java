package io.ballast.loadtest;

import io.ballast.loadtest.run.MemorySource;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the server's memory is read. */
final class MemoryOptions {
  @Option(
      names = "--pid",
      description = "A process of this machine whose resident memory is watched.")
  private @Nullable Long pid;

  @Option(
      names = "--metrics",
      paramLabel = "URL",
      description = "A page of metrics where the server's memory is read, in place of --pid.")
  private @Nullable URI metrics;

  @Option(
      names = "--memory-metric",
      defaultValue = "jvm_memory_used_bytes",
      paramLabel = "NAME",
      description =
          "Its name there (default: ${DEFAULT-VALUE}, which leaves native memory out); of several"
              + " labels, the sum.")
  private String metric = "";

  /**
   * Where it is read; null: nowhere.
   *
   * @throws IllegalArgumentException naming the option
   */
  @Nullable MemorySource source() {
    if (pid != null && metrics != null) {
      throw new IllegalArgumentException("pid: given with --metrics (expected: one of them)");
    }
    if (pid != null) {
      return MemorySource.process(pid);
    }
    return metrics == null ? null : MemorySource.metric(metrics, metric);
  }
}
