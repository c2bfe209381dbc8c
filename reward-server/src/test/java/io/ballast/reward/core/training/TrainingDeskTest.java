package io.ballast.reward.core.training;

import static io.ballast.reward.core.training.Trainings.TENANT;
import static io.ballast.reward.core.training.Trainings.running;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.reward.adapter.AuditedTrainings;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.Training.State;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.reward.VersionName;
import io.ballast.training.scoring.HeadTrainer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** However a training ends, it is told, and the next may begin. */
class TrainingDeskTest {
  private static final BadRow FIRST = new BadRow(1, "rejected: missing");
  private static final BadRow SECOND = new BadRow(2, "user: missing");
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final FeedbackSource NO_FEEDBACK =
      (query, progress) -> {
        throw new AssertionError("nobody asked for feedback");
      };

  @TempDir private Path folder = Path.of(".");

  private final MemoryLedger ledger = new MemoryLedger();
  private final TrainingBook book = new TrainingBook(ledger);
  private final Trainer trainer = new Trainer();
  private final MemoryTrail trail = new MemoryTrail();
  private final TrainingDesk desk =
      new TrainingDesk(
          book,
          trainer,
          NO_FEEDBACK,
          new TimeOrderedIds(CLOCK, new Random(1)),
          CLOCK,
          new Broken(),
          trail);

  @AfterEach
  void stop() {
    desk.close();
  }

  @Test
  void aWatchThatThrowsHurtsNoTraining() {
    assertThat(train("k1").state()).isEqualTo(State.SUCCEEDED);
    assertThat(train("k2").state()).isEqualTo(State.SUCCEEDED);
  }

  @Test
  void aTrainerThatThrowsEndsItsOwnTrainingOnly() {
    trainer.work =
        listener -> {
          throw new IllegalStateException("a bug");
        };
    Training failed = train("k1");
    assertThat(failed.state()).isEqualTo(State.FAILED);
    assertThat(failed.failure().orElseThrow().reason()).isEqualTo("BUG");
    trainer.work = listener -> {};
    assertThat(train("k2").state()).isEqualTo(State.SUCCEEDED);
  }

  @Test
  void aTrainingForWhichALibraryGetsNoMemorySaysSoAndEndsItself() {
    trainer.work =
        listener -> {
          throw new OutOfMemoryError("Cannot allocate new FloatPointer");
        };
    Training failed = train("k1");
    assertThat(failed.state()).isEqualTo(State.FAILED);
    assertThat(failed.failure().orElseThrow().reason()).isEqualTo("OUT_OF_MEMORY");
    trainer.work = listener -> {};
    assertThat(train("k2").state()).isEqualTo(State.SUCCEEDED);
  }

  @ParameterizedTest
  @CsvSource({"true, SUCCEEDED", "false, INTERRUPTED"})
  void whatAnotherClockDatesBeforeTheStartEndedWhenItBegan(boolean published, State state) {
    ledger.save(running(1));
    trainer.published =
        published
            ? Optional.of(
                new RewardTrainer.Published(
                    Instant.EPOCH.minusSeconds(3), OptionalLong.empty(), Trainings.RESULT))
            : Optional.empty();
    List<Optional<Duration>> times = new ArrayList<>();
    InstantSource behind = InstantSource.fixed(Instant.EPOCH.minusSeconds(5));
    TrainingBook found = new TrainingBook(ledger);
    new TrainingDesk(
            found,
            trainer,
            NO_FEEDBACK,
            new TimeOrderedIds(behind, new Random(1)),
            behind,
            new Times(times),
            trail)
        .close();

    Training ended = found.get(TENANT, running(1).id());
    assertThat(ended.state()).isEqualTo(state);
    assertThat(ended.end()).contains(Instant.EPOCH);
    assertThat(times).containsExactly(published ? Optional.of(Duration.ZERO) : Optional.empty());
    assertThat(trail.told).containsExactly(state + " key 1");
  }

  @Test
  void whatBeganAndHasNoRecordIsInterruptedAtTheNextStart() {
    AuditedTrainings before = trail();
    for (int number = 1; number <= 3; number++) {
      before.begins(running(number));
    }
    ledger.save(Trainings.ended(running(1))); // the process ended before its end was told
    ledger.save(running(3)); // and before this one had ended

    restart();

    assertThat(audit().acts("training."))
        .extracting(Act::action, Act::tenant, Act::subject)
        .startsWith(told("training.start", 1), told("training.start", 2), told("training.start", 3))
        .containsOnlyOnce(
            told("training.succeeded", 1),
            told("training.interrupted", 2),
            told("training.interrupted", 3))
        .hasSize(6);
    assertThat(audit().acts("training.interrupted"))
        .extracting(Act::details)
        .containsOnly(Map.of("version", "taste/1", "reason", "INTERRUPTED"));

    restart();
    assertThat(audit().acts("training.")).as("each end is told once").hasSize(6);
  }

  private static Tuple told(String action, int number) {
    return tuple(action, TENANT, running(number).id().toString());
  }

  private FileAudit audit() {
    return new FileAudit("reward", folder.resolve("audit.jsonl"), CLOCK);
  }

  private AuditedTrainings trail() {
    return new AuditedTrainings(audit());
  }

  /** A process with what the one before left on disk. */
  private void restart() {
    new TrainingDesk(
            new TrainingBook(ledger),
            trainer,
            NO_FEEDBACK,
            new TimeOrderedIds(CLOCK, new Random(1)),
            CLOCK,
            new Broken(),
            trail())
        .close();
  }

  @Test
  void rowsThatTheTrunkCannotUseAreOnDiskBeforeTheVersionIsThere() {
    trainer.work =
        listener -> {
          listener.leftOut(List.of(SECOND));
          assertThat(ledger.all())
              .singleElement()
              .satisfies(
                  kept -> {
                    assertThat(kept.state()).isEqualTo(State.RUNNING);
                    assertThat(kept.badRows()).containsExactly(FIRST, SECOND);
                    assertThat(kept.badRowCount()).isEqualTo(2);
                  });
        };
    Training ended = train("k");
    assertThat(ended.state()).as("%s", ended).isEqualTo(State.SUCCEEDED);
    assertThat(ended.badRows()).containsExactly(FIRST, SECOND);
    assertThat(ended.badRowCount()).isEqualTo(2);
  }

  @Test
  void aRecordThatCannotBeKeptDoesNotKeepThePlace() {
    trainer.work = listener -> ledger.full = true;
    assertThat(train("k1").state()).isEqualTo(State.SUCCEEDED);
    assertThat(ledger.all()).extracting(Training::state).containsExactly(State.RUNNING);
    ledger.full = false;
    trainer.work = listener -> {};
    assertThat(train("k2").state()).isEqualTo(State.SUCCEEDED);
  }

  @Test
  void whoCancelsWaitsForTheEndWhichIsOnDisk() {
    CountDownLatch begun = new CountDownLatch(1);
    trainer.work =
        listener -> {
          begun.countDown();
          while (true) { // until it is to end
            listener.progress(new Progress(Phase.READING_TEXTS, 1, 2));
          }
        };
    Training training = start("k");
    awaitQuietly(begun);
    assertThatThrownBy(() -> desk.cancel("other", training.id(), CallPatience.endless()))
        .hasMessage("no training " + training.id());
    assertThat(desk.cancel(TENANT, training.id(), CallPatience.endless()).state())
        .isEqualTo(State.CANCELLED);
    assertThat(ledger.all()).extracting(Training::state).containsExactly(State.CANCELLED);
  }

  @Test
  void nobodyWaitsAtTheDeskWhileItIsAskedWhichTrunkIsMeant() {
    List<Boolean> held = new ArrayList<>();
    trainer.asked = () -> held.add(Thread.holdsLock(desk));

    Training training = train("k");
    assertThat(training.command()).contains("trunk/1");
    assertThat(start("k")).isEqualTo(training);

    assertThat(held).as("asked once").containsExactly(false);
  }

  @Test
  void whatHappenedWhileItWasAskedWhichTrunkIsMeantCounts() {
    CountDownLatch done = new CountDownLatch(1);
    trainer.work = listener -> awaitQuietly(done);
    List<Training> first = new ArrayList<>();
    trainer.asked = () -> first.add(startUnasked("k1"));

    assertThat(start("k1").id()).as("its key has started it").isEqualTo(first.getFirst().id());
    done.countDown();
    assertThat(last(first.getFirst()).state()).isEqualTo(State.SUCCEEDED);

    CountDownLatch goesOn = new CountDownLatch(1);
    trainer.work = listener -> awaitQuietly(goesOn);
    trainer.asked = () -> first.add(startUnasked("k2"));
    assertThatThrownBy(() -> start("k3"))
        .hasMessageContaining("training %s of taste/1 runs", first.getLast().id());
    goesOn.countDown();
    assertThat(last(first.getLast()).state()).isEqualTo(State.SUCCEEDED);

    trainer.asked = desk::close;
    assertThatThrownBy(() -> start("k4")).hasMessage("the server is stopping");
    assertThat(trail.told)
        .containsExactly("begins k1", "SUCCEEDED k1", "begins k2", "SUCCEEDED k2");
  }

  /** Starts one of which it is known which trunk is meant. */
  private Training startUnasked(String key) {
    trainer.asked = () -> {};
    return start(key);
  }

  @Test
  void whatCannotBeToldForGoodDoesNotBegin() {
    trail.full = true;
    assertThatThrownBy(() -> start("k1")).hasMessage("the trail is full");
    assertThat(ledger.all()).isEmpty();
    assertThat(book.list(TENANT)).isEmpty();

    trail.full = false;
    ledger.full = true;
    assertThatThrownBy(() -> start("k1")).hasMessage("the ledger is full");
    assertThat(trail.told).as("nothing is left open").containsExactly("begins k1", "FAILED k1");

    ledger.full = false;
    assertThat(train("k1").state()).isEqualTo(State.SUCCEEDED);
  }

  @Test
  void theTrailKnowsWhatCameOfATrainingBeforeAnybodyLearnsOfIt() {
    List<State> known = new CopyOnWriteArrayList<>();
    trail.ending = () -> known.add(book.list(TENANT).getFirst().state());
    assertThat(train("k1").state()).isEqualTo(State.SUCCEEDED);
    assertThat(known).containsExactly(State.RUNNING);
    assertThat(trail.told).containsExactly("begins k1", "SUCCEEDED k1");
  }

  @Test
  void onlyTheFirstWhoEndsATrainingIsToldAndNobodyWhoCannotBe() {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    trainer.work =
        listener -> {
          begun.countDown();
          awaitAnyway(cancelled);
          listener.progress(new Progress(Phase.READING_TEXTS, 1, 2));
        };
    Training training = start("k");
    awaitQuietly(begun);

    trail.full = true;
    assertThatThrownBy(() -> desk.cancel(TENANT, training.id(), CallPatience.endless()))
        .hasMessage("the trail is full");
    trail.full = false;
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> desk.cancel(TENANT, training.id(), new Left()))
          .isInstanceOf(CancellationException.class);
    }
    cancelled.countDown();
    assertThat(last(training).state()).isEqualTo(State.CANCELLED);
    assertThat(trail.told).containsExactly("begins k", "cancels k", "CANCELLED k");
  }

  /** A caller that has left. */
  private record Left() implements CallPatience {
    @Override
    public Optional<Duration> remaining() {
      return Optional.empty();
    }

    @Override
    public boolean cancelled() {
      return true;
    }

    @Override
    public void onCancel(Runnable action) {
      action.run();
    }
  }

  /** Waits, whoever interrupts. */
  private static void awaitAnyway(CountDownLatch latch) {
    boolean interrupted = false;
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Training train(String key) {
    return last(start(key));
  }

  private Training last(Training training) {
    Training[] last = new Training[] {training};
    book.watch(TENANT, last[0].id(), now -> last[0] = now, CallPatience.endless());
    return last[0];
  }

  private Training start(String key) {
    RewardPlan plan =
        new RewardPlan(
            1,
            false,
            0,
            0,
            SplitBy.PROMPT,
            new SplitRule(1, 10, 10),
            0,
            1,
            HeadTrainer.Options.defaults());
    TrainingOrder.Source rows =
        new TrainingOrder.Source.Upload(
            "pairs.jsonl", new JudgementData(List.of(), List.of(FIRST), 1, "0".repeat(64)));
    return desk.start(
            new TrainingOrder(
                TENANT, Optional.of(TENANT), true, key, key, "taste", "trunk", plan, rows, true))
        .training();
  }

  /** Trains nothing, and does what a test sets meanwhile. */
  private static final class Trainer implements RewardTrainer {
    private volatile Work work = listener -> {};
    private volatile Runnable asked = () -> {};
    private Optional<Published> published = Optional.empty();

    private interface Work {
      void run(Listener listener);
    }

    @Override
    public void requirePlace() {}

    @Override
    public String trunk(TrainingOrder order) {
      asked.run();
      return order.trunk() + "/1";
    }

    @Override
    public Prepared prepare(TrainingOrder order, String trunk) {
      return new Prepared(new VersionName("taste", "1"), trunk);
    }

    @Override
    public Training.Result train(
        UUID id, Prepared prepared, TrainingOrder order, RewardData data, Listener listener) {
      work.run(listener);
      return Trainings.RESULT;
    }

    @Override
    public Optional<Published> published(Training training) {
      return published;
    }
  }

  /** Keeps how long trainings took. */
  private record Times(List<Optional<Duration>> all) implements TrainingWatch {
    @Override
    public void started() {}

    @Override
    public void ended(State state, Optional<Duration> time) {
      all.add(time);
    }
  }

  /** Throws whatever it is told. */
  private static final class Broken implements TrainingWatch {
    @Override
    public void started() {
      throw new IllegalStateException("the meters are broken");
    }

    @Override
    public void ended(State state, Optional<Duration> time) {
      throw new IllegalStateException("the meters are broken");
    }
  }
}
