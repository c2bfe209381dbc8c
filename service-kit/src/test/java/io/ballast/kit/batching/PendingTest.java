package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A caller who gives an answer up is told where its own time went. */
class PendingTest {
  private static final Duration NONE = Duration.ZERO;

  @Test
  void beforeItsTurnAllTimeIsWait() {
    assertThat(new Pending<String>().givenUp(2, "late", millis(70), 70_000_000))
        .isEqualTo(new Batched<>(List.of("late", "late"), millis(70), NONE, NONE));
  }

  @Test
  void afterItsTurnTheEngineHadTheRest() {
    // came at 0 ms, a worker turned to it at 30 ms, its batch was run from 40 ms on, now 100 ms
    assertThat(begun().givenUp(1, "late", millis(100), 100_000_000))
        .isEqualTo(new Batched<>(List.of("late"), millis(30), millis(10), millis(60)));
  }

  @Test
  void whoCameToItLaterIsToldOfItsOwnTimeAlone() {
    // at 80 ms: the engine had it already
    assertThat(begun().givenUp(1, "late", millis(20), 100_000_000))
        .isEqualTo(new Batched<>(List.of("late"), NONE, NONE, millis(20)));
    // at 35 ms: 5 ms of company, 60 ms in the engine
    assertThat(begun().givenUp(1, "late", millis(65), 100_000_000))
        .isEqualTo(new Batched<>(List.of("late"), NONE, millis(5), millis(60)));
  }

  private static Pending<String> begun() {
    Pending<String> pending = new Pending<>();
    pending.begin(millis(30), millis(10), 40_000_000);
    return pending;
  }

  private static Duration millis(long millis) {
    return Duration.ofMillis(millis);
  }
}
