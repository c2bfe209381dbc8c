package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Memory is read where it stands. */
class MemorySourceTest {
  private static final String PAGE =
      """
      # TYPE jvm_memory_used_bytes gauge
      jvm_memory_used_bytes{area="heap",id="Eden } Space"} 1.5E6
      jvm_memory_used_bytes{area="nonheap",id="CodeCache"} 500000.0 1395066363000
      jvm_memory_used_bytes_max{area="heap"} 7
      process_resident_memory_bytes 4096
      """;

  @Test
  void aMetricIsTheSumOfItsLabels() {
    assertThat(MemorySource.sum(PAGE, "jvm_memory_used_bytes")).isEqualTo(2e6);
    assertThat(MemorySource.sum(PAGE, "process_resident_memory_bytes")).isEqualTo(4_096);
    assertThat(MemorySource.sum(PAGE, "none")).isNaN();
  }

  @Test
  void aProcessIsLookedAtIfItIsThere() throws InterruptedException {
    assertThat(MemorySource.process(ProcessHandle.current().pid()).bytes()).isGreaterThan(1e6);
    assertThatThrownBy(() -> MemorySource.process(Long.MAX_VALUE))
        .hasMessage("pid: 9223372036854775807 (expected: a process)");
  }
}
