package io.ballast.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** A leak is told from a heap that fills and is collected. */
class MemoryTrendTest {
  private static final double MB = 1e6;

  /** A sample every six seconds for an hour. */
  private static MemoryTrend trend(DoubleUnaryOperator bytes) {
    List<MemoryTrend.Sample> samples = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      samples.add(new MemoryTrend.Sample(6.0 * i, bytes.applyAsDouble(6.0 * i)));
    }
    return new MemoryTrend(samples);
  }

  @Test
  void aStraightLineHasItsSlope() {
    MemoryTrend line = trend(seconds -> 400 * MB + seconds * MB / 100);

    // 0.01 MB/s are 36 MB an hour; quarters' means are half an hour apart: 18 of 413.5 MB
    assertThat(line.slope().value()).isCloseTo(36 * MB, within(1.0));
    assertThat(line.slope().low()).isCloseTo(36 * MB, within(1e3));
    assertThat(line.growth()).isCloseTo(18 / 413.47, within(1e-4));
    assertThat(line.slope().significant()).isTrue();
    assertThat(line.words()).contains("+36.0 MB an hour");
  }

  @Test
  void aSawToothHasNone() {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
    MemoryTrend saw =
        trend(seconds -> 400 * MB + seconds % 47 * MB + random.nextGaussian() * 5 * MB);

    assertThat(saw.slope().significant()).isFalse();
    assertThat(saw.growth()).isCloseTo(0, within(0.01));
    assertThat(saw.words()).contains("none that can be told from zero");
  }

  @Test
  void aSlowLeakBelowASawToothIsSeen() {
    MemoryTrend leak = trend(seconds -> 400 * MB + seconds % 47 * MB + seconds / 3_600 * 40 * MB);

    assertThat(leak.slope().significant()).isTrue();
    assertThat(leak.slope().value()).isCloseTo(40 * MB, within(4 * MB));
  }

  @Test
  void fillingCachesAtFirstIsNoGrowth() {
    MemoryTrend filling = trend(seconds -> Math.min(400, 300 + seconds / 6) * MB);
    assertThat(filling.growth()).isZero();
  }

  @Test
  void aFewSamplesSayNothing() {
    MemoryTrend few = new MemoryTrend(List.of(new MemoryTrend.Sample(0, 5 * MB)));
    assertThat(few.slope().value()).isNaN();
    assertThat(few.growth()).isNaN();
    assertThat(few.slope().significant()).isFalse();
    assertThat(few.words()).isEqualTo("memory: 5 MB at the end; too short for a trend");
    assertThat(new MemoryTrend(List.of()).words()).isEqualTo("memory: nothing was read");
  }
}
