package io.ballast.orchestrator.core.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.config.OrchestratorConfig;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestMesh;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Calls that may succeed later are made again, a bounded number of times, for a bounded time. */
class PatienceTest {
  private final TestClock clock = new TestClock();
  private final List<Duration> waits = new ArrayList<>();

  private Patience patience(Duration total, int budget) {
    return new Patience(
        new Patience.Limits(total, Duration.ofSeconds(1), Duration.ofSeconds(8)),
        new RetryBudget(budget, 0.5),
        time -> {
          waits.add(time);
          clock.advance(time);
        },
        clock::nanoTime,
        new Random(3));
  }

  private static String failing(AtomicInteger left, MeshException failure) {
    if (left.getAndDecrement() > 0) {
      throw failure;
    }
    return "done";
  }

  private static MeshException away() {
    return new MeshException(Fault.DEPENDENCY_DOWN, "policy-server: connection refused");
  }

  @Test
  void waitsDoubleWithJitterUpToTheLongest() {
    AtomicInteger left = new AtomicInteger(6);

    String done = patience(Duration.ofMinutes(5), 10).call("x", () -> failing(left, away()));

    assertThat(done).isEqualTo("done");
    double[] full = {1, 2, 4, 8, 8, 8};
    assertThat(waits).hasSize(full.length);
    for (int i = 0; i < full.length; i++) {
      assertThat(waits.get(i).toNanos() / 1e9).isBetween(full[i] / 2, full[i]);
    }
  }

  @Test
  void whatThePeerAsksForIsHonoured() {
    MeshException busy =
        new MeshException(Fault.OVERLOADED, "busy", Map.of(MeshException.RETRY_DELAY, "PT30S"));

    patience(Duration.ofMinutes(5), 10)
        .call("x", () -> failing(new AtomicInteger(0), busy)); // succeeds at once
    AtomicInteger left = new AtomicInteger(1);
    patience(Duration.ofMinutes(5), 10).call("x", () -> failing(left, busy));

    assertThat(waits).containsExactly(Duration.ofSeconds(30));
  }

  @Test
  void patienceComesToAnEnd() {
    AtomicInteger left = new AtomicInteger(1_000);

    assertThatThrownBy(
            () ->
                patience(Duration.ofSeconds(20), 1_000).call("sample", () -> failing(left, away())))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith("could not sample: policy-server: connection refused (tried ")
        .hasMessageEndingWith("resume the run when it is back)");
    assertThat(waits.stream().reduce(Duration.ZERO, Duration::plus))
        .isLessThanOrEqualTo(Duration.ofSeconds(20));
  }

  @Test
  void theBudgetComesToAnEndAndSuccessesRefillIt() {
    Patience patience = patience(Duration.ofHours(1), 2);
    AtomicInteger first = new AtomicInteger(2);
    patience.call("x", () -> failing(first, away())); // 2 taken, half of one back

    AtomicInteger second = new AtomicInteger(1);
    assertThatThrownBy(() -> patience.call("x", () -> failing(second, away())))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("tried 1 times");
    patience.call("x", () -> "done"); // half of one back: one again
    AtomicInteger third = new AtomicInteger(1);
    assertThat(patience.call("x", () -> failing(third, away()))).isEqualTo("done");
  }

  /** As a server is set up that is told nothing else. */
  private Patience usual() {
    OrchestratorConfig defaults = OrchestratorConfig.from(TestMesh.properties(Map.of()));
    return new Patience(
        defaults.patience(),
        new RetryBudget(defaults.retryBudget(), 0.1),
        time -> {
          waits.add(time);
          clock.advance(time);
        },
        clock::nanoTime,
        new Random(3));
  }

  @Test
  void aRestartOfTenSecondsTakesSevenRetriesAtMost() {
    long start = clock.nanoTime();

    String done =
        usual()
            .call(
                "sample",
                () -> {
                  if (clock.nanoTime() - start < Duration.ofSeconds(10).toNanos()) {
                    throw away();
                  }
                  return "done";
                });

    assertThat(done).isEqualTo("done");
    // at the least 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 = 11.3 s
    assertThat(waits).hasSizeBetween(6, 7);
  }

  @Test
  void theBudgetOutlastsThePatience() {
    AtomicInteger left = new AtomicInteger(1_000);

    assertThatThrownBy(() -> usual().call("sample", () -> failing(left, away())))
        .isInstanceOf(MeshException.class);
    // it is not out of retries: another wait of 10 s at the most would be too long
    assertThat(waits.stream().reduce(Duration.ZERO, Duration::plus))
        .isBetween(Duration.ofSeconds(289), Duration.ofMinutes(5));
  }

  @Test
  void whatCannotPassIsNotTriedAgain() {
    for (Fault fault :
        List.of(Fault.UNKNOWN_MODEL, Fault.DEPENDENCY_BROKEN, Fault.CORRUPT_WEIGHTS)) {
      AtomicInteger left = new AtomicInteger(1);
      MeshException failure = new MeshException(fault, "no use");
      assertThatThrownBy(
              () -> patience(Duration.ofMinutes(1), 5).call("x", () -> failing(left, failure)))
          .isSameAs(failure);
    }
    assertThat(waits).isEmpty();
  }

  @Test
  void anInterruptEndsTheWait() {
    Patience patience =
        new Patience(
            new Patience.Limits(
                Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ofSeconds(1)),
            new RetryBudget(5, 0.1),
            time -> {
              throw new InterruptedException();
            },
            clock::nanoTime,
            new Random(3));

    AtomicInteger left = new AtomicInteger(1);
    assertThatThrownBy(() -> patience.call("x", () -> failing(left, away())))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).as("the thread stays interrupted").isTrue();
  }
}
