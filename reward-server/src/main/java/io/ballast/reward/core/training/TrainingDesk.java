package io.ballast.reward.core.training;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.training.Training.Failure;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.Training.State;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts trainings, one at a time, on a thread of their own; tells how far they are; ends them.
 * What a stop of the process interrupts is remembered as interrupted, never as done, unless its
 * version was published by then. Thread-safe.
 */
public final class TrainingDesk implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingDesk.class);
  private static final int REMEMBERED = 200;
  private static final int KEPT_BAD_ROWS = 100;
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);
  private static final Failure STOPPED =
      new Failure("INTERRUPTED", "the server stopped; there is no version: start it again");

  private final TrainingLedger ledger;
  private final RewardTrainer trainer;
  private final FeedbackSource feedback;
  private final TimeOrderedIds ids;
  private final InstantSource clock;
  private final TrainingWatch watch;
  private final ChangeSignal changes = new ChangeSignal();
  private final Map<UUID, Training> trainings = new LinkedHashMap<>(); // under this, oldest first
  private @Nullable Running running; // under this
  private boolean closed; // under this

  /** The training under way. */
  private static final class Running {
    private final UUID id;
    private final Thread thread;
    private @Nullable State wanted; // under the desk: how somebody wants it to end

    private Running(UUID id, Thread thread) {
      this.id = id;
      this.thread = thread;
    }
  }

  /**
   * A training that was asked for.
   *
   * @param duplicate whether its key had started it before
   */
  public record Started(Training training, boolean duplicate) {}

  /**
   * A desk that remembers what the ledger has. What ran when the process ended has succeeded if its
   * version is there, and is interrupted if not.
   *
   * @param ids dates trainings by {@code clock}
   * @param watch told of those that start and end
   */
  public TrainingDesk(
      TrainingLedger ledger,
      RewardTrainer trainer,
      FeedbackSource feedback,
      TimeOrderedIds ids,
      InstantSource clock,
      TrainingWatch watch) {
    this.ledger = ledger;
    this.trainer = trainer;
    this.feedback = feedback;
    this.ids = ids;
    this.clock = clock;
    this.watch = watch;
    for (Training training : ledger.all()) {
      Training known = training.hasEnded() ? training : afterStop(training);
      trainings.put(known.id(), known);
    }
  }

  /** What became of a training that ran when the process ended. */
  private Training afterStop(Training training) {
    Training known =
        trainer
            .published(training)
            .map(
                result ->
                    training
                        .at(new Progress(Phase.PUBLISHING, 1, 1))
                        .succeeded(clock.instant(), result))
            .orElseGet(() -> training.ended(State.INTERRUPTED, clock.instant(), STOPPED));
    LOG.warn(
        "training {} of {} ran when the process ended: {}",
        known.id(),
        known.version(),
        known.state());
    keep(known);
    tell(known);
    return known;
  }

  private void tell(Training ended) {
    Instant end = ended.end().orElseThrow();
    watch.ended(
        ended.state(),
        end.isAfter(ended.start()) ? Duration.between(ended.start(), end) : Duration.ZERO);
  }

  /**
   * Refuses at once what {@link #start} would refuse whatever the judgements are, so that nobody
   * uploads them for nothing: a key that is missing, another training under way, no place to
   * publish in. A key that has started a training passes: it starts none.
   */
  public synchronized void requireRoom(String tenant, String key) {
    if (key.isEmpty()) {
      throw Texts.malformed(
          "metadata.idempotency_key",
          "empty (expected: 1 to 128 characters; the same key starts one training)");
    }
    if (byKey(tenant, key).isPresent()) {
      return;
    }
    Running other = running;
    if (other != null) {
      throw busy(other);
    }
    trainer.requirePlace();
  }

  /**
   * Starts a training; returns once its record is on disk.
   *
   * @throws MeshException OVERLOADED naming the training that runs; MALFORMED_REQUEST for a key
   *     that started another one; and what {@link RewardTrainer#prepare} throws
   */
  public synchronized Started start(TrainingOrder order) {
    Optional<Training> known = byKey(order.tenant(), order.key());
    if (known.isPresent()) {
      if (!known.get().fingerprint().equals(order.fingerprint())) {
        throw Texts.malformed(
            "metadata.idempotency_key",
            "'%s' was used for another training".formatted(order.key()));
      }
      return new Started(known.get(), true);
    }
    requireRoom(order.tenant(), order.key());
    if (closed) {
      throw new MeshException(Fault.DEPENDENCY_DOWN, "the server is stopping");
    }
    RewardTrainer.Prepared prepared = trainer.prepare(order);
    Phase first =
        order.source() instanceof TrainingOrder.Source.Feedback
            ? Phase.READING_FEEDBACK
            : Phase.READING_TEXTS;
    Training training =
        new Training(
            ids.next(),
            order.tenant(),
            order.key(),
            order.fingerprint(),
            prepared.version(),
            order.command(prepared.version(), prepared.trunk()),
            State.RUNNING,
            clock.instant(),
            Optional.empty(),
            new Progress(first, 0, 0),
            List.of(),
            0,
            Optional.empty(),
            Optional.empty());
    ledger.save(training);
    trainings.put(training.id(), training);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("reward-training")
            .priority(Thread.MIN_PRIORITY)
            .unstarted(() -> run(training.id(), prepared, order));
    running = new Running(training.id(), thread);
    thread.start();
    watch.started();
    LOG.info("training {} of {} has begun", training.id(), training.version());
    changes.announce();
    return new Started(training, false);
  }

  private Optional<Training> byKey(String tenant, String key) {
    return trainings.values().stream()
        .filter(training -> training.tenant().equals(tenant) && training.key().equals(key))
        .findFirst();
  }

  private MeshException busy(Running other) {
    Training runs = trainings.get(other.id);
    String name = runs == null ? "another" : runs.version().toString();
    return new MeshException(
        Fault.OVERLOADED,
        "training %s of %s runs; one runs at a time: wait for it or cancel it"
            .formatted(other.id, name),
        Map.of("training_id", other.id.toString(), "version", name));
  }

  private void run(UUID id, RewardTrainer.Prepared prepared, TrainingOrder order) {
    Training.Result result;
    try {
      JudgementData judgements =
          switch (order.source()) {
            case TrainingOrder.Source.Upload upload -> upload.judgements();
            case TrainingOrder.Source.Feedback log ->
                feedback.read(
                    new FeedbackSource.Query(order.tenant(), log.since(), log.rules()),
                    count -> progress(id, new Progress(Phase.READING_FEEDBACK, count, 0)));
          };
      keep(change(id, now -> now.leavingOut(judgements.badRows(), judgements.badRowCount())));
      result = trainer.train(id, prepared, order, judgements, step -> progress(id, step));
    } catch (TrainingException e) {
      end(id, new Failure(e.reason(), String.valueOf(e.getMessage())));
      return;
    } catch (MeshException e) {
      end(id, new Failure(e.fault().name(), String.valueOf(e.getMessage())));
      return;
    } catch (OutOfMemoryError e) {
      end(id, new Failure("OUT_OF_MEMORY", "more memory than the process has: fewer judgements"));
      return;
    } catch (Throwable e) { // nobody else would hear of it
      if (!isWanted(id)) {
        LOG.error("training {}: a bug", id, e);
      }
      end(id, new Failure("BUG", "an internal error; the server's log says more"));
      return;
    }
    succeed(id, result);
  }

  private void progress(UUID id, Progress now) {
    if (isWanted(id)) {
      throw new CancellationException("the training is to end");
    }
    change(id, training -> training.at(now));
  }

  private synchronized boolean isWanted(UUID id) {
    Running now = running;
    return now != null && now.id.equals(id) && now.wanted != null;
  }

  private synchronized Training change(UUID id, UnaryOperator<Training> next) {
    Training changed = next.apply(found(id));
    trainings.put(id, changed);
    changes.announce();
    return changed;
  }

  private void succeed(UUID id, Training.Result result) {
    var unused = Thread.interrupted(); // it is published: whoever wanted it to end was too late
    finish(
        id,
        now -> {
          List<BadRow> rows = new ArrayList<>(now.badRows());
          rows.addAll(result.badRows());
          rows.sort(Comparator.comparingLong(BadRow::row));
          return now.leavingOut(
                  rows.subList(0, Math.min(rows.size(), KEPT_BAD_ROWS)),
                  now.badRowCount() + result.badRows().size())
              .succeeded(clock.instant(), result);
        });
  }

  /** A training without a version: as somebody wanted it to end, or for a failure of its own. */
  private void end(UUID id, Failure why) {
    var unused = Thread.interrupted(); // or its record could not be written
    State wanted = wanted(id);
    finish(
        id,
        now ->
            switch (wanted) {
              case CANCELLED ->
                  now.ended(
                      wanted,
                      clock.instant(),
                      new Failure("CANCELLED", "somebody ended it; there is no version"));
              case INTERRUPTED -> now.ended(wanted, clock.instant(), STOPPED);
              default -> now.ended(State.FAILED, clock.instant(), why);
            });
  }

  private synchronized State wanted(UUID id) {
    Running now = running;
    return now == null || !now.id.equals(id) || now.wanted == null ? State.FAILED : now.wanted;
  }

  private synchronized void finish(UUID id, UnaryOperator<Training> last) {
    Training ended = last.apply(found(id));
    trainings.put(id, ended);
    keep(ended);
    tell(ended);
    running = null;
    forgetOld();
    LOG.info(
        "training {} of {}: {}{}",
        id,
        ended.version(),
        ended.state(),
        ended.failure().map(failure -> ": " + failure.message()).orElse(""));
    changes.announce();
  }

  private void keep(Training training) {
    try {
      ledger.save(training);
    } catch (MeshException e) { // after a restart it counts as interrupted, which is not done
      LOG.error("the record of training {} cannot be kept: {}", training.id(), e.getMessage());
    }
  }

  private void forgetOld() {
    List<Training> oldest = List.copyOf(trainings.values());
    for (int i = 0; i < oldest.size() - REMEMBERED; i++) {
      if (oldest.get(i).hasEnded()) {
        trainings.remove(oldest.get(i).id());
        ledger.forget(oldest.get(i).id());
      }
    }
  }

  private Training found(UUID id) {
    Training training = trainings.get(id);
    if (training == null) {
      throw new IllegalStateException("training " + id + " is not remembered");
    }
    return training;
  }

  /**
   * A training of {@code tenant}.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none
   */
  public synchronized Training get(String tenant, UUID id) {
    Training training = trainings.get(id);
    if (training == null || !training.tenant().equals(tenant)) {
      throw new MeshException(
          Fault.UNKNOWN_RESOURCE, "no training " + id, Map.of("training_id", id.toString()));
    }
    return training;
  }

  /** The trainings of {@code tenant}, the newest first. */
  public synchronized List<Training> list(String tenant) {
    return trainings.values().stream()
        .filter(training -> training.tenant().equals(tenant))
        .toList()
        .reversed();
  }

  /**
   * Gives a training to {@code sink}, now and whenever it has changed, until it has ended or nobody
   * listens. Changes that come while the sink is busy are told as one.
   */
  public void watch(String tenant, UUID id, Consumer<Training> sink, CallPatience patience) {
    patience.onCancel(changes::announce);
    Training told = null;
    while (!patience.cancelled()) {
      long seen = changes.count();
      Training now = get(tenant, id);
      if (!now.equals(told)) {
        sink.accept(now);
        told = now;
      }
      if (now.hasEnded()) {
        return;
      }
      changes.await(seen, LOOK_AGAIN);
    }
  }

  /**
   * Ends a training without a version, and waits until it has ended. One that has ended stays as it
   * is; one that was just being published may have succeeded.
   */
  public Training cancel(String tenant, UUID id, CallPatience patience) {
    synchronized (this) {
      Running now = running;
      if (!get(tenant, id).hasEnded() && now != null && now.id.equals(id)) {
        stop(now, State.CANCELLED);
      }
    }
    Training[] last = new Training[] {get(tenant, id)};
    watch(tenant, id, training -> last[0] = training, patience);
    if (!last[0].hasEnded()) {
      throw new CancellationException("the caller left");
    }
    return last[0];
  }

  private static void stop(Running training, State how) {
    if (training.wanted == null) {
      training.wanted = how;
      training.thread.interrupt();
    }
  }

  /** Interrupts what runs, and waits for its end a while. */
  @Override
  public void close() {
    Running now;
    synchronized (this) {
      closed = true;
      now = running;
      if (now != null) {
        stop(now, State.INTERRUPTED);
      }
    }
    if (now != null) {
      try {
        if (!now.thread.join(STOP_PATIENCE)) {
          LOG.warn("training {} does not end; it counts as interrupted", now.id);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
