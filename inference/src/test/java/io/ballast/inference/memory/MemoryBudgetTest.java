package io.ballast.inference.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What is loaded never comes to more than the budget, and a refusal says why. */
class MemoryBudgetTest {
  private static final long MIB = 1 << 20;

  @Test
  void aRefusalHasTheArithmetic() {
    MemoryBudget budget = new MemoryBudget(4_096 * MIB);
    MemoryBudget.Reservation small = budget.reserve("java-tiny/1", need(84, 1_000, 500));
    MemoryBudget.Reservation medium = budget.reserve("java-mid/1", need(1_000, 900, 100));

    assertThatThrownBy(() -> budget.reserve("java-big/2", need(900, 300, 34)))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.NO_MEMORY))
        .hasMessage(
            "java-big/2: needs 1,234 MiB (weights 900, keys and values 300, activations 34),"
                + " 512 MiB of 4,096 are free; loaded: java-tiny/1 1,584 MiB, java-mid/1 2,000 MiB");
    assertThat(budget.takenBytes()).isEqualTo(3_584 * MIB);

    medium.close();
    medium.close(); // a second time gives nothing back
    assertThat(budget.takenBytes()).isEqualTo(1_584 * MIB);
    try (MemoryBudget.Reservation big = budget.reserve("java-big/2", need(900, 300, 34))) {
      assertThat(big.need().bytes()).isEqualTo(1_234 * MIB);
    }
    small.close();
    assertThat(budget.takenBytes()).isZero();
  }

  @Test
  void whatFitsToTheByteFits() {
    MemoryBudget budget = new MemoryBudget(10);
    budget.reserve("a", new MemoryNeed(4, 3, 2)).close();
    try (MemoryBudget.Reservation all = budget.reserve("a", new MemoryNeed(5, 3, 2))) {
      assertThatThrownBy(() -> budget.reserve("b", new MemoryNeed(1, 0, 0)))
          .hasMessage(
              "b: needs 1 MiB (weights 1, keys and values 0, activations 0), 0 MiB of 0 are free;"
                  + " loaded: a 1 MiB");
      assertThat(budget.reserve("nothing", new MemoryNeed(0, 0, 0)).need().bytes()).isZero();
    }
  }

  @Test
  void needsThatOverflowAreRefused() {
    MemoryBudget budget = new MemoryBudget(Long.MAX_VALUE - 1);
    assertThatThrownBy(() -> budget.reserve("a", new MemoryNeed(Long.MAX_VALUE, 1, 1)))
        .isInstanceOf(ModelException.class);
    assertThatThrownBy(() -> new MemoryNeed(-1, 0, 0)).hasMessageStartingWith("need: -1, 0, 0");
    assertThatThrownBy(() -> new MemoryBudget(0)).hasMessage("budget: 0 bytes (expected: ≥ 1)");
  }

  @Test
  void callersAtOnceNeverTakeMoreThanThereIs() throws Exception {
    int callers = 8;
    MemoryBudget budget = new MemoryBudget(3);
    CountDownLatch together = new CountDownLatch(callers);
    List<Future<Integer>> got = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(callers)) {
      for (int i = 0; i < callers; i++) {
        got.add(
            executor.submit(
                () -> {
                  together.countDown();
                  together.await();
                  try {
                    return budget.reserve("x", new MemoryNeed(1, 0, 0)).need().bytes() > 0 ? 1 : 0;
                  } catch (ModelException e) {
                    return 0;
                  }
                }));
      }
      int sum = 0;
      for (Future<Integer> one : got) {
        sum += one.get();
      }
      assertThat(sum).isEqualTo(3);
      assertThat(budget.takenBytes()).isEqualTo(3);
    }
  }

  @Test
  void theDefaultIsSevenTenthsOfWhatIsBeyondTheHeap() {
    // (8,192 − 768) · 0.7 = 5,196.8
    assertThat(MemoryBudget.defaultBytes(8_192 * MIB, 768 * MIB) / MIB).isEqualTo(5_196);
    // a heap that claims the whole machine leaves a tenth of it
    assertThat(MemoryBudget.defaultBytes(1_000 * MIB, 2_000 * MIB) / MIB).isEqualTo(100);
  }

  private static MemoryNeed need(long weights, long keyValues, long activations) {
    return new MemoryNeed(weights * MIB, keyValues * MIB, activations * MIB);
  }
}
