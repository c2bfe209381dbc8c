package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What batches so far tell of the time that work will take. */
class BatchTimesTest {
  private static final double OVERHEAD = 4_000_000;
  private static final double PER_TOKEN = 70_000;

  private static long time(long tokens) {
    return (long) (OVERHEAD + PER_TOKEN * tokens);
  }

  @Test
  void nothingIsConcludedFromTheFirstBatchesWhichRunCold() {
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 7; i++) {
      times.add(512, 900_000_000);
    }
    assertThat(times.nanosOf(10_000)).isZero();
    times.add(512, 900_000_000);
    assertThat(times.nanosOf(512)).isEqualTo(900_000_000);
  }

  @Test
  void aHandComputedLine() {
    // batches of (100, 11 ms) and (300, 25 ms): 4 ms and 0.07 ms a token whatever their shares
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 4; i++) {
      times.add(100, time(100));
      times.add(300, time(300));
    }

    assertThat((double) times.nanosOf(200)).isCloseTo(time(200), within(1.0));
    // 512 + 512 + 176: three batches
    assertThat((double) times.nanosOf(1_200)).isCloseTo(2 * time(512) + time(176), within(10.0));
  }

  @Test
  void batchesThatAllWeighedTheSameSayNothingOfFullerOnes() {
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 10; i++) {
      times.add(20, 5_000_000);
    }
    // an idle server ran one item at a time; a full batch of many may take no longer
    assertThat(times.nanosOf(512)).isEqualTo(5_000_000);
    assertThat(times.nanosOf(1_024)).isEqualTo(10_000_000);
  }

  @Test
  void groupsLargerThanABatchGoAloneAndCountSo() {
    BatchTimes times = new BatchTimes(10);
    for (int i = 0; i < 8; i++) {
      times.add(100, 8_000_000);
    }

    assertThat(times.nanosOf(200)).isEqualTo(16_000_000);
  }

  @Test
  void noiseBringsTheTimeOfAFullBatchByNoMoreThanItself() {
    SplittableRandom random = new SplittableRandom(7);
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 200; i++) {
      long tokens = 400 + random.nextInt(113);
      times.add(tokens, (long) (time(tokens) * (0.9 + 0.2 * random.nextDouble())));
    }

    assertThat((double) times.nanosOf(512)).isCloseTo(time(512), within(0.1 * time(512)));
  }

  @Test
  void anEngineThatGotSlowerIsKnownAfterSomeBatches() {
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 100; i++) {
      times.add(512, 40_000_000);
    }
    for (int i = 0; i < 60; i++) {
      times.add(512, 80_000_000);
    }

    assertThat((double) times.nanosOf(512)).isCloseTo(80_000_000, within(2_500_000.0));
  }

  @Test
  void workOfNoWeightTakesTheTimeOfItsBatch() {
    BatchTimes times = new BatchTimes(512);
    for (int i = 0; i < 8; i++) {
      times.add(0, 1_000_000);
    }
    assertThat(times.nanosOf(0)).isZero();
    assertThat(times.nanosOf(10)).isEqualTo(1_000_000);
  }
}
