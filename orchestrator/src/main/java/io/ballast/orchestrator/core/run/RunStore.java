package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.data.ReadSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Where runs are kept. Every method is one transaction, durable when it returns; all throw
 * DEPENDENCY_DOWN while the store is away.
 */
public interface RunStore {
  /**
   * A run to store.
   *
   * @param run queued
   * @param idempotencyKey empty: no protection
   * @param fingerprint stands for the whole request
   * @param prompts what it learns and is tested on
   * @param state before the first iteration
   */
  record NewRun(
      Run run, String idempotencyKey, String fingerprint, PromptSets prompts, LoopState state) {}

  /** A stored run with the fingerprint of the request that created it. */
  record Keyed(Run run, String fingerprint) {}

  /**
   * Stores a run.
   *
   * @return it; or the run of this tenant that the same key created before
   */
  Keyed create(NewRun run);

  /** The run that {@code tenant} created with {@code key}. */
  Optional<Keyed> byKey(String tenant, String key);

  /** The run called {@code runId}, whosever it is. */
  Optional<Run> find(String runId);

  /** The newest runs of {@code tenant}, at most {@code limit}. */
  List<Run> newest(String tenant, int limit);

  /** How many runs of {@code tenant} have neither ended nor failed. */
  int pendingCount(String tenant);

  /** The active runs of all tenants, oldest first. */
  List<Run> active();

  /** The iterations of a run after {@code after}, in order. */
  default List<IterationMetrics> iterations(String runId, int after) {
    return iterations(runId, after, Integer.MAX_VALUE);
  }

  /** The first {@code most} of them. */
  List<IterationMetrics> iterations(String runId, int after, int most);

  /**
   * The prompts of a run.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if they were deleted, as it has
   *     ended and they are older than they are kept
   */
  PromptSets prompts(String runId);

  /** Where the prompts of a run came from. */
  List<ReadSource> sources(String runId);

  /** What the last durable iteration of a run handed on. */
  LoopState loopState(String runId);

  /**
   * Changes a run; no other change happens meanwhile.
   *
   * @param change what it throws leaves the run as it was, and is thrown
   * @return the run after the change
   */
  Run change(String runId, UnaryOperator<Run> change);

  /** As {@link #change}, together with other prompts: those stay if the run does. */
  Run renew(String runId, UnaryOperator<Run> change, PromptSets prompts);

  /**
   * What an iteration took of feedback that its run follows.
   *
   * @param prompts of it; they are from now on among those that were trained on
   * @param source what was read of it so far
   */
  record Followed(List<String> prompts, ReadSource source) {
    /** Copies the list. */
    public Followed {
      prompts = List.copyOf(prompts);
    }
  }

  /**
   * As {@link #change}, together with an iteration and what it hands on: all of it or nothing.
   *
   * @param followed what it took of feedback; empty: its run follows none
   */
  Run commit(
      String runId,
      UnaryOperator<Run> change,
      IterationMetrics metrics,
      LoopState state,
      Optional<Followed> followed);

  /**
   * Takes the lease on a run, or renews it: nobody else gets it for so long, by the store's clock.
   *
   * @param holder an orchestrator, called the same after a restart
   * @return whether it is this holder's; if not, it is another's and not yet over
   */
  boolean lease(String runId, String holder, Duration length);

  /** Gives the lease on a run back, if it is this holder's. */
  void release(String runId, String holder);
}
