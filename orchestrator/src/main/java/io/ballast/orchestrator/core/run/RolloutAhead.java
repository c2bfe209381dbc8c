package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Samples and judges for the iterations to come while the learner is at one: they are sampled one
 * after the other, and each is judged while those after it are sampled. With a staleness of s,
 * iteration i samples from the weights that iteration max(1, i − s) began with: exactly those, and
 * not the newest of the moment, so that a run is the same however fast its parts are, and whatever
 * is killed. With s = 0 everything happens in the caller's thread, one after the other.
 */
final class RolloutAhead implements AutoCloseable {
  /** What samples and judges, in whatever thread it is called. */
  @FunctionalInterface
  interface Roller {
    /**
     * The completions of {@code iteration}, which stands at {@code cursor} in the data.
     *
     * @param sampled told where it ends there as soon as that is known
     */
    Rollout roll(
        int iteration, PinnedVersion policy, DataCursor cursor, Consumer<DataCursor> sampled);
  }

  /**
   * The completions of an iteration.
   *
   * @param sampled of the policy and whoever writes beside it
   * @param judged those that were rewarded
   * @param rounds of which they are; null where nobody asks what has a signal
   * @param sampleSeconds how long they took to sample
   * @param judgeSeconds how long they took to judge
   * @param next where the next iteration goes on in the data
   */
  record Rollout(
      List<SampledPrompt> sampled,
      JudgedRollout judged,
      @Nullable RoundsReading rounds,
      double sampleSeconds,
      double judgeSeconds,
      DataCursor next) {}

  private final Run run;
  private final int staleness;
  private final Function<VersionSelector, PinnedVersion> versions;
  private final Executor executor;
  private final Map<Integer, FutureTask<Rollout>> begun = new HashMap<>();
  private @Nullable CompletableFuture<DataCursor> end; // in the data, of the last that was begun
  private int latest; // its iteration

  /**
   * Begins nothing yet.
   *
   * @param run as it was taken up
   * @param staleness s, ≥ 0
   * @param versions finds weights that were published before this process took the run up
   * @param executor runs what goes on beside the learner
   */
  RolloutAhead(
      Run run,
      int staleness,
      Function<VersionSelector, PinnedVersion> versions,
      Executor executor) {
    this.run = run;
    this.staleness = staleness;
    this.versions = versions;
    this.executor = executor;
    this.latest = run.progress().iterationsDone();
  }

  /** Which iteration began with the weights that {@code iteration} samples from. */
  static int sampledBy(int iteration, int staleness) {
    return Math.max(1, iteration - staleness);
  }

  /**
   * The completions of {@code iteration}, waited for if need be. Those of later ones are begun, as
   * far as their weights are there.
   *
   * @param iteration one after the last that was asked for
   * @param current the weights that it begins with
   * @param cursor where it stands in the data; each later one stands where the one before it ends,
   *     which depends on what that has sampled
   * @param roller for those that are begun now
   */
  Rollout next(int iteration, PinnedVersion current, DataCursor cursor, Roller roller) {
    if (staleness == 0) {
      return roller.roll(iteration, current, cursor, sampled -> {});
    }
    int last = Math.min(run.iterationsCount(), iteration + staleness);
    while (latest < last) {
      latest++;
      begin(latest, policy(sampledBy(latest, staleness), iteration, current), cursor, roller);
    }
    Rollout rollout = Waiting.on(Objects.requireNonNull(begun.get(iteration)), "sampling ahead");
    begun.remove(iteration);
    return rollout;
  }

  private PinnedVersion policy(int of, int iteration, PinnedVersion current) {
    return of == iteration
        ? current
        : versions.apply(VersionSelector.version(run.rolloutModel(), run.rolloutVersion(of)));
  }

  private void begin(int iteration, PinnedVersion policy, DataCursor cursor, Roller roller) {
    CompletableFuture<DataCursor> begin =
        end == null ? CompletableFuture.completedFuture(cursor) : end;
    CompletableFuture<DataCursor> sampled = new CompletableFuture<>();
    FutureTask<Rollout> task =
        new FutureTask<>(
            () -> {
              try {
                DataCursor from = Waiting.on(begin, "sampling ahead");
                Rollout rollout = roller.roll(iteration, policy, from, sampled::complete);
                sampled.complete(rollout.next());
                return rollout;
              } catch (RuntimeException | Error e) {
                sampled.completeExceptionally(e); // the next ones begin nowhere, and say so
                throw e;
              }
            });
    begun.put(iteration, task);
    end = sampled;
    // a task keeps what it throws; one that no thread takes ends too
    var unused =
        begin
            .whenCompleteAsync((from, failure) -> task.run(), executor)
            .whenComplete((from, failure) -> task.cancel(false));
  }

  /** Ends what is under way; nobody will use it. */
  @Override
  public void close() {
    begun.values().forEach(task -> task.cancel(true));
    begun.clear();
  }
}
