package io.ballast.policy.core.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.policy.core.CallCancellation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A log is read again by its followers when something was stored, and for nothing else. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class PagedStreamTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final ChangeSignal changes = new ChangeSignal();
  private final PagedStream pages = new PagedStream(changes, LONG, new PageLimit(10, 1_000));
  private final List<String> log = new CopyOnWriteArrayList<>();

  @Test
  void whoFollowsIsIdleWhileThereIsNothingNew() throws Exception {
    Follower follower = new Follower();
    CompletableFuture<List<String>> sent = follow(follower);
    follower.idle.await();
    log.add("a");
    changes.announce();

    assertThat(sent.get()).containsExactly("a");
    assertThat(follower.reads).hasValue(2);
  }

  @Test
  void whoLeavesEndsAndHasNobodyElseReadAgain() throws Exception {
    Follower stays = new Follower();
    CompletableFuture<List<String>> sent = follow(stays);
    stays.idle.await();
    for (int i = 0; i < 20; i++) {
      Follower leaves = new Follower();
      CompletableFuture<List<String>> nothing = follow(leaves);
      leaves.idle.await();
      leaves.leave();
      assertThat(nothing.get()).isEmpty();
    }
    log.add("a");
    changes.announce();

    assertThat(sent.get()).containsExactly("a");
    assertThat(stays.reads).hasValue(2);
  }

  @Test
  void noPageIsAskedForMoreThanIsLeftOrMayBeHeld() {
    List<PageLimit> asked = new ArrayList<>();
    List<String> sent = new ArrayList<>();
    pages.send(
        limit -> {
          asked.add(limit);
          return Collections.nCopies(Math.min(8, limit.records()), "a");
        },
        false,
        17,
        sent::add,
        new Follower());

    assertThat(asked)
        .containsExactly(
            new PageLimit(10, 1_000), new PageLimit(9, 1_000), new PageLimit(1, 1_000));
    assertThat(sent).hasSize(17);
  }

  @Test
  void aPageOfNothingIsRefused() {
    assertThatThrownBy(() -> new PageLimit(0, 1))
        .hasMessage("a page of 0 records and 1 bytes (expected: at least 1 each)");
    assertThatThrownBy(() -> new PageLimit(1, 0))
        .hasMessage("a page of 1 records and 0 bytes (expected: at least 1 each)");
  }

  /** What a follower of one record is sent, when its stream has ended. */
  private CompletableFuture<List<String>> follow(Follower follower) {
    List<String> sent = new ArrayList<>();
    return CompletableFuture.supplyAsync(
        () -> {
          pages.send(limit -> follower.read(), true, 1, sent::add, follower);
          return sent;
        },
        work -> Thread.ofVirtual().start(work));
  }

  private final class Follower implements CallCancellation {
    final CountDownLatch idle = new CountDownLatch(1);
    final AtomicInteger reads = new AtomicInteger();
    private final AtomicBoolean left = new AtomicBoolean();
    private final List<Runnable> actions = new CopyOnWriteArrayList<>();

    List<String> read() {
      reads.incrementAndGet();
      return List.copyOf(log);
    }

    void leave() {
      left.set(true);
      actions.forEach(Runnable::run);
    }

    @Override
    public boolean cancelled() {
      return left.get();
    }

    @Override
    public void onCancel(Runnable action) {
      actions.add(action);
    }

    @Override
    public void idle(Runnable wait) {
      idle.countDown();
      wait.run();
    }
  }
}
