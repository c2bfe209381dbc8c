package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.orchestrator.testing.TinyModel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A base is there once, from its first use to the end of its last. */
class SharedBasesTest {
  @TempDir private Path root;
  private Path folder;

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(root);
    folder = root.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
  }

  private FrozenDecoder tiny() {
    return FrozenDecoder.load(folder, Arithmetic.FLOAT32);
  }

  @Test
  void whatIsUsedTwiceIsThereOnceUntilBothAreDone() {
    SharedBases bases = new SharedBases(Arithmetic.FLOAT32);
    SharedBases.Lease first = bases.lease(folder);
    SharedBases.Lease second = bases.lease(folder);
    assertThat(second.decoder()).isSameAs(first.decoder());
    first.close();
    first.close(); // a second time has no effect
    try (SharedBases.Lease third = bases.lease(folder)) {
      assertThat(third.decoder()).isSameAs(second.decoder());
    }
    second.close();
    try (SharedBases.Lease later = bases.lease(folder)) {
      assertThat(later.decoder()).isNotSameAs(first.decoder());
    }
  }

  @Test
  void whatCannotBeLoadedCanBeAskedForAgain() {
    Path no = root.resolve("no");
    AtomicInteger tries = new AtomicInteger();
    SharedBases bases =
        new SharedBases(
            Arithmetic.FLOAT32,
            asked ->
                tries.incrementAndGet() == 1
                    ? FrozenDecoder.load(asked, Arithmetic.FLOAT32)
                    : tiny());
    assertThatThrownBy(() -> bases.lease(no)).isInstanceOf(ModelException.class);
    bases.lease(no).close();
    assertThat(tries).hasValue(2);
  }

  @Test
  void whileOneIsLoadedOthersAreUsedAndWhoWantsItWaits() throws Exception {
    Path slow = root.resolve("slow");
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    AtomicInteger loaded = new AtomicInteger();
    SharedBases bases =
        new SharedBases(
            Arithmetic.FLOAT32,
            asked -> {
              if (asked.equals(slow)) {
                loaded.incrementAndGet();
                begun.countDown();
                await(gate);
              }
              return tiny();
            });
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      Future<SharedBases.Lease> first = threads.submit(() -> bases.lease(slow));
      begun.await();
      bases.lease(folder).close(); // would wait for ever
      Future<SharedBases.Lease> second = threads.submit(() -> bases.lease(slow));
      gate.countDown();
      assertThat(second.get().decoder()).isSameAs(first.get().decoder());
      assertThat(loaded).hasValue(1);
      first.get().close();
      second.get().close();
    }
  }

  @Test
  void whoWaitsForWhatCannotBeLoadedHearsWhy() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    SharedBases bases =
        new SharedBases(
            Arithmetic.FLOAT32,
            asked -> {
              begun.countDown();
              await(gate);
              throw new ModelException(Reason.CORRUPT_WEIGHTS, "a bit was flipped");
            });
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      Future<SharedBases.Lease> first = threads.submit(() -> bases.lease(folder));
      begun.await();
      Future<SharedBases.Lease> second = threads.submit(() -> bases.lease(folder));
      gate.countDown();
      for (Future<SharedBases.Lease> lease : List.of(first, second)) {
        assertThatThrownBy(lease::get)
            .cause()
            .isInstanceOfSatisfying(
                ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT_WEIGHTS))
            .hasMessage("a bit was flipped");
      }
    }
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
