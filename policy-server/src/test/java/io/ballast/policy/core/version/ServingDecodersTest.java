package io.ballast.policy.core.version;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Decoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.testing.FakeModels;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Decoders are loaded once, when they are needed, and make room only if nobody uses them. */
class ServingDecodersTest {
  private final FakeModels models = new FakeModels();
  private final ServingDecoders serving = new ServingDecoders(models, 3);

  ServingDecodersTest() {
    for (int version = 1; version <= 4; version++) {
      models.publish(Integer.toString(version), request -> "text");
    }
  }

  @AfterEach
  void close() {
    serving.close();
  }

  @Test
  void callersAtOnceShareOneLoad() throws Exception {
    int callers = 16;
    models.gate = new CountDownLatch(1);
    CountDownLatch started = new CountDownLatch(callers);
    List<Future<Decoder>> got = new ArrayList<>();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < callers; i++) {
        got.add(
            executor.submit(
                () -> {
                  started.countDown();
                  try (Lease lease = serving.acquire(version("1"))) {
                    return lease.decoder();
                  }
                }));
      }
      started.await();
      models.gate.countDown();
      Set<Decoder> decoders = new HashSet<>();
      for (Future<Decoder> one : got) {
        decoders.add(one.get());
      }
      assertThat(decoders).hasSize(1);
    }
    assertThat(models.loads).containsExactly("java-tiny/1");
  }

  @Test
  void shortOfMemoryTheLongestIdleIsUnloaded() {
    models.room = 2;
    serving.acquire(version("1")).close();
    serving.acquire(version("2")).close();
    serving.acquire(version("1")).close(); // 2 is idle for longer now

    serving.acquire(version("3")).close();

    assertThat(models.decoder("2").isClosed()).isTrue();
    assertThat(models.decoder("1").isClosed()).isFalse();
    assertThat(serving.loadedCount()).isEqualTo(2);
  }

  @Test
  void oneThatIsUsedIsNotUnloaded() {
    models.room = 1;
    try (Lease busy = serving.acquire(version("1"))) {
      assertNoRoom("2");
      assertThat(models.decoder("1").isClosed()).isFalse();
      assertThat(busy.decoder().contextTokens()).isPositive();
    }

    serving.acquire(version("2")).close();

    assertThat(models.decoder("1").isClosed()).isTrue();
  }

  @Test
  void oneThatAnAliasPointsToIsNotUnloaded() {
    models.room = 1;
    serving.keep(version("1"));

    assertNoRoom("2");

    assertThat(models.decoder("1").isClosed()).isFalse();
    serving.retire(version("1"));
    serving.acquire(version("2")).close();
    assertThat(models.decoder("1").isClosed()).isTrue();
  }

  @Test
  void aRefusedLoadLeavesNothingBehindAndIsTriedAgain() {
    models.room = 0;
    assertNoRoom("1");
    assertThatThrownBy(() -> serving.keep(version("1"))).isInstanceOf(MeshException.class);
    assertThat(serving.loadedCount()).isZero();

    models.room = 1;
    serving.acquire(version("1")).close();

    assertThat(models.decoder("1").isClosed()).isFalse();
  }

  @Test
  void whatIsKeptUnloadedIsLoadedAtItsFirstUseAndThenKept() {
    serving.keepUnloaded(version("1"));
    assertThat(models.loads).isEmpty();
    assertThat(serving.loadedCount()).isZero();
    assertThat(serving.acquireLoaded(version("1"))).isEmpty();

    models.room = 0;
    assertNoRoom("1"); // what fails once is kept all the same
    models.room = 1;
    serving.acquire(version("1")).close();
    assertNoRoom("2");

    assertThat(models.decoder("1").isClosed()).isFalse();
    serving.retire(version("1"));
    assertThat(models.decoder("1").isClosed()).isTrue();
  }

  @Test
  void whatWasNeverUsedIsRetiredWithoutALoad() {
    serving.keepUnloaded(version("1"));
    serving.retire(version("1"));

    assertThat(models.loads).isEmpty();
    assertThat(serving.loadedCount()).isZero();
  }

  private void assertNoRoom(String name) {
    assertThatThrownBy(() -> serving.acquire(version(name)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessage("java-tiny/" + name + ": needs 1 MiB, 0 MiB are free");
  }

  private static PinnedVersion version(String name) {
    return new PinnedVersion(FakeModels.MODEL, name, FakeModels.sha256(name));
  }
}
