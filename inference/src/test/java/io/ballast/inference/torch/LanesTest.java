package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LanesTest {
  private static void meet(CyclicBarrier barrier) {
    try {
      var unused = barrier.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void allWorkAtATimeTheFirstOnTheCallersThread() {
    try (Lanes lanes = new Lanes("a-lane", 3)) {
      for (int turn = 0; turn < 3; turn++) {
        Map<Integer, Thread> threads = new ConcurrentHashMap<>();
        CyclicBarrier all = new CyclicBarrier(3);
        lanes.run(
            3,
            lane -> {
              threads.put(lane, Thread.currentThread());
              meet(all);
            },
            () -> {});
        assertThat(threads).containsOnlyKeys(0, 1, 2).containsEntry(0, Thread.currentThread());
        assertThat(threads.values()).doesNotHaveDuplicates();
        threads.remove(0);
        assertThat(threads.values())
            .allSatisfy(
                thread -> {
                  assertThat(thread.getName()).startsWith("a-lane-");
                  assertThat(thread.isDaemon()).isTrue();
                });
      }
    }
  }

  @Test
  void aLaneAloneNeedsNoThread() {
    try (Lanes lanes = new Lanes("never-made", 2)) {
      AtomicInteger calls = new AtomicInteger();
      lanes.run(1, lane -> calls.incrementAndGet(), () -> {});
      assertThat(calls).hasValue(1);
      assertThat(Thread.getAllStackTraces().keySet())
          .noneMatch(thread -> thread.getName().startsWith("never-made"));
    }
  }

  @Test
  void whatALaneFailsByIsThrownWhenAllHaveEndedAndTheNextTurnWorks() {
    try (Lanes lanes = new Lanes("a-lane", 3)) {
      for (int failing = 0; failing < 3; failing++) {
        int bad = failing;
        CountDownLatch abandoned = new CountDownLatch(1);
        AtomicInteger ended = new AtomicInteger();
        AtomicInteger told = new AtomicInteger();
        AssertionError cause = new AssertionError("lane " + bad);
        assertThatThrownBy(
                () ->
                    lanes.run(
                        3,
                        lane -> {
                          if (lane == bad) {
                            throw cause;
                          }
                          try {
                            assertThat(abandoned.await(30, TimeUnit.SECONDS)).isTrue();
                          } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                          }
                          ended.incrementAndGet();
                          throw new IllegalStateException("for another's sake");
                        },
                        () -> {
                          told.incrementAndGet();
                          abandoned.countDown();
                        }))
            .isSameAs(cause);
        assertThat(ended).hasValue(2);
        assertThat(told).hasValue(1);
      }
      AtomicInteger calls = new AtomicInteger();
      lanes.run(3, lane -> calls.incrementAndGet(), () -> {});
      assertThat(calls).hasValue(3);
    }
  }
}
