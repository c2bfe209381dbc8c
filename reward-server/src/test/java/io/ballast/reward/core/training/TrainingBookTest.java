package io.ballast.reward.core.training;

import static io.ballast.reward.core.training.Trainings.TENANT;
import static io.ballast.reward.core.training.Trainings.at;
import static io.ballast.reward.core.training.Trainings.ended;
import static io.ballast.reward.core.training.Trainings.running;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.CallPatience;
import io.ballast.reward.core.training.Training.State;
import io.ballast.testing.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** A book remembers trainings, and tells whoever watches. */
class TrainingBookTest {
  private final MemoryLedger ledger = new MemoryLedger();
  private final TrainingBook book = new TrainingBook(ledger);

  @Test
  void aWatcherThatThrowsEndsNobodysWatchButItsOwn() throws Exception {
    Training training = running(1);
    book.begin(training);
    BlockingQueue<Training> seen = new LinkedBlockingQueue<>();
    CompletableFuture<Void> watching = watch(training, seen::add, CallPatience.endless());
    CompletableFuture<Void> throwing =
        watch(
            training,
            now -> {
              if (now.progress().done() > 0) {
                throw new IllegalStateException("the caller's observer is broken");
              }
            },
            CallPatience.endless());
    assertThat(seen.take()).isEqualTo(training);

    book.show(at(training, 1));
    assertThatThrownBy(throwing::join)
        .isInstanceOf(CompletionException.class)
        .hasMessageContaining("the caller's observer is broken");
    assertThat(seen.take()).isEqualTo(at(training, 1));
    book.keep(ended(training));
    watching.join();
    assertThat(seen).containsExactly(ended(training));
    assertThat(ledger.records.values()).containsExactly(ended(training));
  }

  @Test
  void aWatcherThatIsSlowHoldsUpNobodyAndIsToldTheNewest() throws Exception {
    Training training = running(1);
    book.begin(training);
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch ready = new CountDownLatch(1);
    BlockingQueue<Training> seen = new LinkedBlockingQueue<>();
    CompletableFuture<Void> slow =
        watch(
            training,
            now -> {
              seen.add(now);
              told.countDown();
              await(ready);
            },
            CallPatience.endless());
    told.await();

    for (int i = 1; i <= 100; i++) {
      book.show(at(training, i));
    }
    book.keep(ended(training));
    ready.countDown();
    slow.join();
    assertThat(seen).containsExactly(training, ended(training));
  }

  @Test
  void aWatcherThatLeavesIsToldNoMore() throws Exception {
    Training training = running(1);
    book.begin(training);
    Leaving patience = new Leaving();
    BlockingQueue<Training> seen = new LinkedBlockingQueue<>();
    CompletableFuture<Void> watching = watch(training, seen::add, patience);
    assertThat(seen.take()).isEqualTo(training);

    patience.leave();
    watching.join();
    book.show(at(training, 1));
    assertThat(seen).isEmpty();
  }

  @Test
  void theLastTwoHundredAreRememberedAndWhatRunsIsNeverForgotten() {
    book.begin(running(0));
    for (int i = 1; i <= 200; i++) {
      book.begin(running(i));
      book.keep(ended(running(i)));
    }
    assertThat(book.list(TENANT)).hasSize(200);
    assertThat(book.list(TENANT).getFirst()).as("the newest first").isEqualTo(ended(running(200)));
    assertThat(book.running()).containsExactly(running(0));
    assertThat(book.byKey(TENANT, "key 1")).as("the oldest that has ended").isEmpty();
    assertThat(book.byKey(TENANT, "key 2")).contains(ended(running(2)));
    assertThat(book.byKey("other", "key 2")).isEmpty();
    assertThat(new TrainingBook(ledger).list(TENANT)).isEqualTo(book.list(TENANT));
  }

  @Test
  void aTenantThatTrainsALotHasNobodyElsesTrainingsForgotten() {
    keepEnded(0, "other");
    for (int i = 1; i <= 300; i++) {
      keepEnded(i, TENANT);
    }

    assertThat(book.list("other")).hasSize(1);
    assertThat(book.byKey("other", "key 0")).isPresent();
    assertThat(book.list(TENANT)).hasSize(200);
    assertThat(book.byKey(TENANT, "key 100")).isEmpty();
    assertThat(book.byKey(TENANT, "key 101")).isPresent();
  }

  @Test
  void beyondTwoThousandInAllTheOldestOfWhoeverHasMostIsForgotten() {
    int number = 0;
    for (int t = 0; t < 9; t++) {
      for (int i = 0; i < 200; i++) {
        keepEnded(number++, "tenant " + t);
      }
    }
    for (int i = 0; i < 199; i++) {
      keepEnded(number++, "small");
    }
    keepEnded(number++, "new"); // 1,800 and 199 and 1: the last that find room
    assertThat(ledger.records).hasSize(2_000);

    keepEnded(number++, "new");
    keepEnded(number, "new");

    assertThat(ledger.records).hasSize(2_000);
    assertThat(book.list("new")).hasSize(3);
    assertThat(book.list("small")).hasSize(199);
    assertThat(book.list("tenant 0")).as("of those that have 200, the oldest").hasSize(199);
    assertThat(book.byKey("tenant 0", "key 0")).isEmpty();
    assertThat(book.list("tenant 1")).hasSize(199);
    assertThat(book.byKey("tenant 1", "key 200")).isEmpty();
    assertThat(book.list("tenant 2")).hasSize(200);
  }

  private void keepEnded(int number, String tenant) {
    book.begin(running(number, tenant));
    book.keep(ended(running(number, tenant)));
  }

  @Test
  void whatCannotBeKeptDoesNotBeginAndEndsAllTheSame() {
    Training training = running(1);
    book.begin(training);
    ledger.full = true;
    assertThatThrownBy(() -> book.begin(running(2))).hasMessage("the ledger is full");
    assertThat(book.list(TENANT)).containsExactly(training);

    book.keep(ended(training));
    assertThat(book.get(TENANT, training.id()).state()).isEqualTo(State.SUCCEEDED);
    assertThat(ledger.all()).containsExactly(training);
  }

  @Test
  void aRecordThatAnInterruptBreaksOffIsNoErrorOfTheDisk() {
    Training training = running(1);
    book.begin(training);
    ledger.full = true;
    assertThat(errorsOf(() -> book.keep(at(training, 1)))).isEqualTo(1);

    Thread.currentThread().interrupt();
    assertThat(errorsOf(() -> book.keep(at(training, 2)))).isZero();
    assertThat(Thread.interrupted()).as("it still is").isTrue();
    assertThat(book.list(TENANT)).containsExactly(at(training, 2));
  }

  /** How many errors the book logs meanwhile. */
  private static int errorsOf(Runnable work) {
    List<LogRecord> errors = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            if (entry.getLevel().intValue() >= Level.SEVERE.intValue()) {
              errors.add(entry);
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(TrainingBook.class.getName());
    logger.addHandler(handler);
    try {
      work.run();
    } finally {
      logger.removeHandler(handler);
    }
    return errors.size();
  }

  @Test
  void whoAsksWaitsForNoDiskAndLearnsNothingThatIsNotOnIt() {
    Training training = running(1);
    List<List<Training>> asked = new ArrayList<>();
    ledger.saving = () -> asked.add(listElsewhere());
    book.begin(training);
    book.keep(ended(training));
    assertThat(asked).containsExactly(List.of(), List.of(training));
    assertThat(book.list(TENANT)).containsExactly(ended(training));
  }

  /** What another thread is told while this one works. */
  private List<Training> listElsewhere() {
    return Await.result(
        CompletableFuture.supplyAsync(
            () -> book.list(TENANT), work -> Thread.ofVirtual().start(work)));
  }

  private CompletableFuture<Void> watch(
      Training training, Consumer<Training> sink, CallPatience patience) {
    return CompletableFuture.runAsync(
        () -> book.watch(TENANT, training.id(), sink, patience),
        work -> Thread.ofVirtual().start(work));
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new CancellationException("interrupted");
    }
  }

  /** A caller who leaves when the test says so. */
  private static final class Leaving implements CallPatience {
    private final AtomicBoolean left = new AtomicBoolean();
    private final List<Runnable> actions = new CopyOnWriteArrayList<>();

    @Override
    public Optional<Duration> remaining() {
      return Optional.empty();
    }

    @Override
    public boolean cancelled() {
      return left.get();
    }

    @Override
    public void onCancel(Runnable action) {
      actions.add(action);
    }

    void leave() {
      left.set(true);
      actions.forEach(Runnable::run);
    }
  }
}
