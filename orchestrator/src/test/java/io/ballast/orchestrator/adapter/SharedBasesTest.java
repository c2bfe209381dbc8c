package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.CompletionGroup;
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
  private static final List<CompletionGroup> GROUPS =
      List.of(new CompletionGroup(TokenIds.of(3, 17), List.of(TokenIds.of(1, 2))));

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

  private static void assertUsable(FrozenDecoder decoder) {
    assertThat(decoder.scores(GROUPS)).hasSize(1);
  }

  private static void assertFreed(FrozenDecoder decoder) {
    assertThatThrownBy(() -> decoder.scores(GROUPS))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED));
  }

  @Test
  void whatIsUsedTwiceIsThereOnceUntilBothAreDone() {
    SharedBases bases = new SharedBases(Arithmetic.FLOAT32);
    SharedBases.Lease first = bases.lease(folder);
    SharedBases.Lease second = bases.lease(folder);
    assertThat(second.decoder()).isSameAs(first.decoder());
    first.close();
    first.close(); // a second time has no effect
    assertUsable(second.decoder());
    try (SharedBases.Lease third = bases.lease(folder)) {
      assertThat(third.decoder()).isSameAs(second.decoder());
    }
    assertUsable(second.decoder());
    second.close();
    assertFreed(second.decoder());
    SharedBases.Lease later = bases.lease(folder);
    assertThat(later.decoder()).isNotSameAs(first.decoder());
    assertUsable(later.decoder());
    later.close();
    assertFreed(later.decoder());
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
    SharedBases.Lease lease = bases.lease(no);
    assertThat(tries).hasValue(2);
    assertUsable(lease.decoder());
    lease.close();
    assertFreed(lease.decoder());
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
      assertUsable(second.get().decoder());
      second.get().close();
      assertFreed(second.get().decoder());
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
