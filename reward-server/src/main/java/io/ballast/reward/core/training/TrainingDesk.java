package io.ballast.reward.core.training;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.reward.core.training.Training.Failure;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.Training.State;
import io.ballast.training.data.BadRow;
import io.ballast.training.reward.RewardData;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts trainings, one at a time, on a thread of their own, writes in the book how far they are,
 * and ends them. What a stop of the process interrupts is remembered as interrupted, never as done,
 * unless its version was published by then. Thread-safe.
 */
public final class TrainingDesk implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingDesk.class);
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);
  private static final Failure STOPPED =
      new Failure("INTERRUPTED", "the server stopped; there is no version: start it again");
  private static final Failure CANCELLED =
      new Failure("CANCELLED", "somebody ended it; there is no version");

  private final TrainingBook book;
  private final RewardTrainer trainer;
  private final FeedbackSource feedback;
  private final TimeOrderedIds ids;
  private final InstantSource clock;
  private final TrainingWatch watch;
  private final TrainingTrail trail;
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
   * A desk whose trainings stand in {@code book}. What ran when the process ended has succeeded if
   * its version is there, and is interrupted if not, as is what the trail alone knows of.
   *
   * @param ids dates trainings by {@code clock}
   * @param watch told of those that start and end
   * @param trail told of those too, for good
   */
  public TrainingDesk(
      TrainingBook book,
      RewardTrainer trainer,
      FeedbackSource feedback,
      TimeOrderedIds ids,
      InstantSource clock,
      TrainingWatch watch,
      TrainingTrail trail) {
    this.book = book;
    this.trainer = trainer;
    this.feedback = feedback;
    this.ids = ids;
    this.clock = clock;
    this.watch = watch;
    this.trail = trail;
    book.running().forEach(this::endAfterStop);
    List<Training> ended = book.ended();
    ended.forEach(trail::ended); // of some that could not be told, or was not any more
    trail.interruptedBut(ended.stream().map(Training::id).collect(Collectors.toSet()));
  }

  /** Says what became of a training that ran when the process ended. */
  private void endAfterStop(Training training) {
    Optional<RewardTrainer.Published> published = trainer.published(training);
    Training ended =
        published
            .map(
                done ->
                    training.succeeded(
                        done.time(),
                        done.rowsLeftOut().orElse(training.badRowCount()),
                        done.result()))
            .orElseGet(() -> training.ended(State.INTERRUPTED, clock.instant(), STOPPED));
    LOG.warn(
        "training {} of {} ran when the process ended: {}",
        ended.id(),
        ended.version(),
        ended.state());
    count(() -> watch.ended(ended.state(), published.map(_ -> time(ended))));
    book.keep(ended);
  }

  private static Duration time(Training ended) {
    return Duration.between(ended.start(), ended.end().orElseThrow());
  }

  private static void count(Runnable telling) {
    try {
      telling.run();
    } catch (RuntimeException e) { // it must not end up in a training's way
      LOG.error("a watch of trainings: a bug", Wordless.of(e));
    }
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
    if (book.byKey(tenant, key).isPresent()) {
      return;
    }
    Running other = running;
    if (other != null) {
      throw busy(tenant, other);
    }
    trainer.requirePlace();
  }

  /**
   * Starts a training; returns once its record is on disk.
   *
   * @throws MeshException OVERLOADED, naming the training that runs if it is the same tenant's, or
   *     if neither its record nor that it begins can be kept; MALFORMED_REQUEST for a key that
   *     started another one; DEPENDENCY_DOWN if the server is stopping; and what {@link
   *     RewardTrainer#trunk} and {@link RewardTrainer#prepare} throw
   */
  public Started start(TrainingOrder order) {
    Optional<Started> duplicate = duplicate(order);
    if (duplicate.isPresent()) {
      return duplicate.get();
    }
    requireRoom(order.tenant(), order.key());
    String trunk = trainer.trunk(order); // may ask a peer: nobody waits for that at the desk
    return start(order, trunk);
  }

  /** Much may have happened while it was asked which trunk is meant: all is looked at again. */
  private synchronized Started start(TrainingOrder order, String trunk) {
    Optional<Started> duplicate = duplicate(order);
    if (duplicate.isPresent()) {
      return duplicate.get();
    }
    requireRoom(order.tenant(), order.key());
    if (closed) {
      throw new MeshException(Fault.DEPENDENCY_DOWN, "the server is stopping");
    }
    RewardTrainer.Prepared prepared = trainer.prepare(order, trunk);
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
    begin(training);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("reward-training")
            .priority(Thread.MIN_PRIORITY)
            .unstarted(() -> run(training.id(), prepared, order));
    running = new Running(training.id(), thread);
    thread.start();
    count(watch::started);
    LOG.info("training {} of {} has begun", training.id(), training.version());
    return new Started(training, false);
  }

  /** The training that the order's key has started, if any. */
  private Optional<Started> duplicate(TrainingOrder order) {
    Optional<Training> known = book.byKey(order.tenant(), order.key());
    if (known.filter(training -> !training.fingerprint().equals(order.fingerprint())).isPresent()) {
      throw Texts.malformed(
          "metadata.idempotency_key", "'%s' was used for another training".formatted(order.key()));
    }
    return known.map(training -> new Started(training, true));
  }

  /** Nothing begins of which nobody could learn that it did. */
  private void begin(Training training) {
    trail.begins(training);
    try {
      book.begin(training);
    } catch (MeshException e) {
      trail.ended(
          training.ended(
              State.FAILED,
              clock.instant(),
              new Failure(e.fault().name(), String.valueOf(e.getMessage()))));
      throw e;
    }
  }

  /** Names the training that runs to its own tenant only. */
  private MeshException busy(String tenant, Running other) {
    Training runs = book.known(other.id);
    if (!runs.tenant().equals(tenant)) {
      return new MeshException(
          Fault.OVERLOADED,
          "a training that is not this tenant's runs; one runs at a time: wait for it");
    }
    String name = runs.version().toString();
    return new MeshException(
        Fault.OVERLOADED,
        "training %s of %s runs; one runs at a time: wait for it or cancel it"
            .formatted(other.id, name),
        Map.of("training_id", other.id.toString(), "version", name));
  }

  private void run(UUID id, RewardTrainer.Prepared prepared, TrainingOrder order) {
    Training.Result result;
    try {
      RewardData judgements =
          switch (order.source()) {
            case TrainingOrder.Source.Upload upload -> new RewardData.Whole(upload.judgements());
            case TrainingOrder.Source.Objectives several -> several.data();
            case TrainingOrder.Source.Feedback log ->
                new RewardData.Whole(
                    feedback.read(
                        new FeedbackSource.Query(order.tenant(), log.since(), log.rules()),
                        count -> progress(id, new Progress(Phase.READING_FEEDBACK, count, 0))));
          };
      leaveOut(id, judgements.badRows(), judgements.badRowCount());
      result = trainer.train(id, prepared, order, judgements, listener(id));
    } catch (TrainingException e) {
      end(id, new Failure(e.reason(), String.valueOf(e.getMessage())));
      return;
    } catch (MeshException e) {
      end(id, new Failure(e.fault().name(), String.valueOf(e.getMessage())));
      return;
    } catch (OutOfMemoryError e) { // of memory that libraries take: without heap the process ends
      end(id, new Failure("OUT_OF_MEMORY", "more memory than the process has: fewer judgements"));
      return;
    } catch (Throwable e) { // nobody else would hear of it
      if (!isWanted(id)) {
        LOG.error("training {}: a bug", id, Wordless.of(e));
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
    book.show(book.known(id).at(now));
  }

  /** They are on disk, if they can be, before a version without them appears. */
  private void leaveOut(UUID id, List<BadRow> rows, long count) {
    if (count > 0) {
      book.keep(book.known(id).leavingOut(rows, count));
    }
  }

  private RewardTrainer.Listener listener(UUID id) {
    return new RewardTrainer.Listener() {
      @Override
      public void progress(Progress now) {
        TrainingDesk.this.progress(id, now);
      }

      @Override
      public void leftOut(List<BadRow> rows) {
        leaveOut(id, rows, rows.size());
      }
    };
  }

  private synchronized boolean isWanted(UUID id) {
    Running now = running;
    return now != null && now.id.equals(id) && now.wanted != null;
  }

  private void succeed(UUID id, Training.Result result) {
    Training now = book.known(id);
    finish(now.succeeded(clock.instant(), now.badRowCount(), result));
  }

  /** A training without a version: as somebody wanted it to end, or for a failure of its own. */
  private void end(UUID id, Failure why) {
    Training now = book.known(id);
    finish(
        switch (wanted(id)) {
          case CANCELLED -> now.ended(State.CANCELLED, clock.instant(), CANCELLED);
          case INTERRUPTED -> now.ended(State.INTERRUPTED, clock.instant(), STOPPED);
          default -> now.ended(State.FAILED, clock.instant(), why);
        });
  }

  private synchronized State wanted(UUID id) {
    Running now = running;
    return now == null || !now.id.equals(id) || now.wanted == null ? State.FAILED : now.wanted;
  }

  /** Frees the place for the next; counts the end, and tells the trail, before anybody learns. */
  private synchronized void finish(Training ended) {
    running = null;
    var unused = Thread.interrupted(); // too late, or the record could not be written
    Duration time = time(ended);
    count(() -> watch.ended(ended.state(), Optional.of(time)));
    trail.ended(ended);
    book.keep(ended);
    LOG.info(
        "training {} of {}: {}{}",
        ended.id(),
        ended.version(),
        ended.state(),
        ended.failure().map(failure -> ": " + failure.message()).orElse(""));
  }

  /**
   * Ends a training without a version, and waits until it has ended. One that has ended stays as it
   * is; one that was just being published may have succeeded.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none; OVERLOADED if it cannot be told for
   *     good who ended it: then it goes on
   */
  public Training cancel(String tenant, UUID id, CallPatience patience) {
    synchronized (this) {
      Running now = running;
      Training known = book.get(tenant, id);
      if (!known.hasEnded() && now != null && now.id.equals(id)) {
        if (now.wanted == null) { // the first who ends it is told
          trail.cancels(known);
        }
        stop(now, State.CANCELLED);
      }
    }
    Training[] last = new Training[] {book.get(tenant, id)};
    book.watch(tenant, id, training -> last[0] = training, patience);
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
