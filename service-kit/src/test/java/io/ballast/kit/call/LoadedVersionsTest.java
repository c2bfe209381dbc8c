package io.ballast.kit.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.kit.call.LoadedVersions.Lease;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A version is loaded once, lent to calls, and closed after the last of them. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class LoadedVersionsTest {
  private static final PinnedVersion OLD = new PinnedVersion("m", "1", "a".repeat(64));
  private static final PinnedVersion NEW = new PinnedVersion("m", "1", "b".repeat(64));
  private static final PinnedVersion NEXT = new PinnedVersion("m", "2", "c".repeat(64));

  private final BlockingQueue<String> closed = new LinkedBlockingQueue<>();
  private final LoadedVersions<String> versions = new LoadedVersions<>(closed::add);

  private Lease<String> lease(PinnedVersion id, String value) {
    return versions.lease(id, () -> value, CallPatience.endless());
  }

  @Test
  void otherWeightsOfTheSameVersionTakeItsPlaceAndItIsClosed() throws Exception {
    lease(OLD, "old").close();
    lease(NEXT, "next").close();

    lease(NEW, "new").close();

    assertThat(closed.take()).isEqualTo("old");
    assertThat(versions.ready()).containsExactlyInAnyOrder("new", "next");
  }

  @Test
  void callsUnderWayEndFirst() throws Exception {
    Lease<String> first = lease(OLD, "old");
    Lease<String> second = lease(OLD, "never loaded again");
    assertThat(second.value()).isEqualTo("old");

    lease(NEW, "new").close();
    first.close();
    first.close(); // counts once

    assertThat(versions.ready()).containsExactly("new");
    lease(NEXT, "next").close();
    assertThat(closed).isEmpty();
    second.close();
    assertThat(closed.take()).isEqualTo("old");
  }

  @Test
  void whatIsNoVersionAnyMoreIsClosedAfterItsLastCallAndLoadedAnewIfItComesBack() throws Exception {
    Lease<String> underWay = lease(OLD, "old");
    lease(NEXT, "next").close();

    versions.retireUnless(id -> false);

    assertThat(closed.take()).isEqualTo("next");
    assertThat(versions.ready()).isEmpty();
    assertThat(closed).isEmpty();
    underWay.close();
    assertThat(closed.take()).isEqualTo("old");
    assertThat(lease(OLD, "again").value()).isEqualTo("again");
    versions.retireUnless(id -> id.equals(OLD));
    assertThat(versions.ready()).containsExactly("again");
  }

  @Test
  void manyWhoAskAtOnceLoadItOnce() throws Exception {
    AtomicInteger loads = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    Supplier<String> slow =
        () -> {
          await(go);
          return "loaded " + loads.incrementAndGet();
        };
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        answers.add(
            callers.submit(() -> versions.lease(OLD, slow, CallPatience.endless()).value()));
      }
      // another version's loading is not held up meanwhile
      assertThat(lease(NEXT, "next").value()).isEqualTo("next");
      go.countDown();
      for (Future<String> answer : answers) {
        assertThat(answer.get()).isEqualTo("loaded 1");
      }
    }
  }

  @Test
  void whoHasNoTimeLeftDoesNotWait() {
    CountDownLatch go = new CountDownLatch(1);
    Supplier<String> slow =
        () -> {
          await(go);
          return "slow";
        };

    MeshException late =
        catchThrowableOfType(
            MeshException.class,
            () -> versions.lease(OLD, slow, patience(Optional.of(Duration.ZERO), false)));
    MeshException gone =
        catchThrowableOfType(
            MeshException.class, () -> versions.lease(OLD, slow, patience(Optional.empty(), true)));

    assertThat(late.fault()).isEqualTo(Fault.MODEL_LOADING);
    assertThat(late).hasMessage("m 1 is being loaded; try again");
    assertThat(gone.fault()).isEqualTo(Fault.MODEL_LOADING);
    go.countDown();
    assertThat(lease(OLD, "never").value()).isEqualTo("slow");
  }

  @Test
  void aFailureIsTheCallersAndTheNextOneTriesAgain() {
    MeshException corrupt = new MeshException(Fault.CORRUPT_WEIGHTS, "differs");
    assertThatThrownBy(
            () ->
                versions.lease(
                    OLD,
                    () -> {
                      throw corrupt;
                    },
                    CallPatience.endless()))
        .isSameAs(corrupt);
    assertThat(lease(OLD, "mended").value()).isEqualTo("mended");
  }

  @Test
  void whatStillLoadsWhenAllIsClosedIsClosedToo() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    Supplier<String> slow =
        () -> {
          await(go);
          return "slow";
        };
    assertThatThrownBy(() -> versions.lease(OLD, slow, patience(Optional.of(Duration.ZERO), false)))
        .isInstanceOf(MeshException.class);
    lease(NEXT, "next").close();

    versions.close();

    assertThat(closed.take()).isEqualTo("next");
    assertThatThrownBy(() -> lease(NEXT, "again")).hasMessage("the server is stopping");
    go.countDown();
    assertThat(closed.take()).isEqualTo("slow");
    assertThat(versions.ready()).isEmpty();
  }

  private static CallPatience patience(Optional<Duration> remaining, boolean left) {
    return new CallPatience() {
      @Override
      public Optional<Duration> remaining() {
        return remaining;
      }

      @Override
      public boolean cancelled() {
        return left;
      }

      @Override
      public void onCancel(Runnable action) {
        if (left) {
          action.run();
        }
      }
    };
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
