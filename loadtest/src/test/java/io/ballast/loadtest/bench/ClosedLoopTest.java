package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.loadtest.openloop.FakePacer;
import io.ballast.loadtest.openloop.Latencies;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** What callers take the times of. */
class ClosedLoopTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration REST = Duration.ofMillis(50);

  private final FakePacer pacer = new FakePacer();

  @Test
  void aRestIsNoPartOfACall() {
    List<Long> indices = new ArrayList<>();

    Latencies latencies =
        ClosedLoop.seldom(
            SECOND,
            REST,
            pacer,
            index -> {
              indices.add(index);
              pacer.sleepUntil(pacer.nanoTime() + 3_000_000);
              return 1;
            });

    assertThat(latencies.count()).as("each 53 ms, the first at once").isEqualTo(19);
    assertThat(indices).hasSize(19).startsWith(0L, 1L).endsWith(18L);
    assertThat(latencies.nanosAt(0)).isBetween(2_990_000L, 3_010_000L);
    assertThat(latencies.nanosAt(100)).isBetween(2_990_000L, 3_010_000L);
  }

  @Test
  void aCallThatFailsEndsTheCaller() {
    IllegalStateException failure = new IllegalStateException("as it is");

    assertThatThrownBy(
            () ->
                ClosedLoop.seldom(
                    SECOND,
                    REST,
                    pacer,
                    index -> {
                      throw failure;
                    }))
        .isInstanceOf(CompletionException.class)
        .hasCause(failure);
  }
}
