package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.report.MemoryTrend;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Memory is read for as long as a load is under way, whatever becomes of one reading. */
class MemoryWatchTest {
  private static final LoadScenario SCENARIO =
      new ScenarioReader(Path.of(""), List.of("int a = "))
          .read("{phases: [{rate: 1, duration: 10m}], mix: [{call: SUGGEST}]}");

  @Test
  void aReadingThatFailsIsAGap() throws InterruptedException {
    AtomicInteger readings = new AtomicInteger();
    CountDownLatch afterwards = new CountDownLatch(1);
    MemorySource source =
        () ->
            switch (readings.getAndIncrement()) {
              case 0 -> 1e6;
              case 1 -> throw new NumberFormatException("+Inf");
              case 2 -> Double.NaN;
              default -> {
                afterwards.countDown();
                yield 2e6;
              }
            };
    try (MemoryWatch watch = new MemoryWatch(SCENARIO, source, 1_000_000)) {
      afterwards.await();
      while (watch.finish().samples().size() < 2) {
        Thread.onSpinWait(); // it has been read, and is just being noted
      }
      assertThat(watch.finish().samples().subList(0, 2))
          .extracting(MemoryTrend.Sample::bytes)
          .containsExactly(1e6, 2e6);
    }
  }
}
