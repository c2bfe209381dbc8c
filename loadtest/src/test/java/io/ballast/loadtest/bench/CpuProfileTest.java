package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The share of some packages is the CPU time of samples whose stack passes through them. */
class CpuProfileTest {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  @TempDir private Path folder = Path.of("");

  @Test
  void aShareCountsWhatIsInsideAndBetweenTheMoments() {
    CpuProfile profile =
        new CpuProfile(
            NOON,
            List.of(
                sample(0.9, 0.5, true), // before
                sample(1, 0.02, true),
                sample(2, 0.02, true),
                sample(2, 1.5, false), // elsewhere
                sample(3, 0.5, true))); // after

    assertThat(profile.share(NOON.plusSeconds(1), NOON.plusSeconds(3)))
        .isCloseTo(0.02, within(1e-12));
  }

  private static CpuProfile.Sample sample(double second, double seconds, boolean inside) {
    return new CpuProfile.Sample(NOON.plusMillis((long) (second * 1_000)), seconds, inside);
  }

  @Test
  void aRecordingSeesTheCpuTimeOfAPackageAndOfWhatItCalls() throws IOException {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    CpuRecorder recorder = CpuRecorder.of(ManagementFactory.getPlatformMBeanServer());
    recorder.start();
    long before = threads.getCurrentThreadCpuTime();
    double sum = 0;
    for (SplittableRandom random = new SplittableRandom(1);
        threads.getCurrentThreadCpuTime() - before < 500_000_000; ) {
      sum += random.doubles(10_000).sorted().sum();
    }
    double seconds = (threads.getCurrentThreadCpuTime() - before) / 1e9;
    CpuProfile here = recorder.stop(folder.resolve("here.jfr"), "io.ballast.loadtest.bench.");
    assertThat(sum).isPositive();

    if (System.getProperty("os.name").equals("Linux")) {
      assertThat(here.share(here.begin(), here.begin().plusSeconds(60)))
          .isCloseTo(seconds / 60, within(0.3 * seconds / 60));
    } else {
      assertThat(here.samples()).isEmpty();
    }
  }

  @Test
  void aRecordingAfterAnotherHasOnlyItsOwn() throws IOException {
    CpuRecorder recorder = CpuRecorder.of(ManagementFactory.getPlatformMBeanServer());
    recorder.start();
    var first = recorder.stop(folder.resolve("first.jfr"), "io.ballast.");
    recorder.start();
    CpuProfile second = recorder.stop(folder.resolve("second.jfr"), "io.ballast.");

    assertThat(second.begin()).isAfterOrEqualTo(first.begin());
    assertThat(second.samples()).allMatch(sample -> !sample.time().isBefore(second.begin()));
  }
}
