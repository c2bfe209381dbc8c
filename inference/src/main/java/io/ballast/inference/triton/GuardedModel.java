package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.scoring.ScoringFaults;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Permit;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * One model that somebody else put on Tritons, behind a breaker. What the servers cannot do for
 * anybody now is a {@link MeshException}; what the model makes of its inputs a {@link
 * ModelException}. Thread-safe.
 */
public final class GuardedModel implements AutoCloseable {
  private static final int IN_FLIGHT = 4;

  private final ServedModel model;
  private final KServeFleet fleet;
  private final PeerGuard guard;

  private GuardedModel(ServedModel model, KServeFleet fleet, PeerGuard guard) {
    this.model = model;
    this.fleet = fleet;
    this.guard = guard;
  }

  /**
   * Opens connections to those that have the model; nobody is asked yet.
   *
   * @param targets {@code host:port} of each, at least one
   * @throws IllegalArgumentException if there is no target, or one that is none
   */
  public static GuardedModel open(
      List<String> targets, ServedModel model, KServeSettings settings, PeerGuard guard) {
    return new GuardedModel(model, KServeFleet.open(targets, List.of(model), settings), guard);
  }

  /** What it is. */
  public ServedModel model() {
    return model;
  }

  /** Why none of the servers has it ready, as far as it is known by now; empty if one has. */
  public Optional<String> noneReady() {
    return fleet.noneReady();
  }

  /** What it takes and gives. */
  public ModelDescription describe() {
    return guarded(CallPatience.endless(), () -> fleet.client().describeAnew(model));
  }

  /**
   * Asks it, a few requests at a time; what is under way is cancelled when the callers leave.
   *
   * @return the answers, in the order of the requests
   */
  public List<InferAnswer> infer(List<InferRequest> requests, CallPatience callers) {
    return guarded(callers, () -> ask(requests, callers));
  }

  private List<InferAnswer> ask(List<InferRequest> requests, CallPatience callers) {
    List<CompletableFuture<InferAnswer>> asked = new ArrayList<>();
    List<InferAnswer> answers = new ArrayList<>();
    CancellableContext asking = Context.current().withCancellation();
    callers.onCancel(() -> asking.cancel(new CancellationException("the callers left")));
    Context before = asking.attach();
    try {
      while (answers.size() < requests.size()) {
        while (asked.size() < Math.min(requests.size(), answers.size() + IN_FLIGHT)) {
          asked.add(fleet.client().inferAsync(requests.get(asked.size())));
        }
        answers.add(asked.get(answers.size()).join());
      }
      return answers;
    } catch (CompletionException e) {
      throw e.getCause() instanceof TritonException triton ? triton : e;
    } finally {
      asking.detachAndCancel(before, null); // and with it what is still under way
    }
  }

  private interface Call<T> {
    T make();
  }

  private <T> T guarded(CallPatience callers, Call<T> call) {
    Permit permit = guard.acquire();
    try {
      T answer = call.make();
      permit.end(Verdict.SUCCEEDED);
      return answer;
    } catch (TritonException e) {
      ModelException failure = TritonFaults.of(e);
      boolean left = callers.cancelled() && e.reason() == TritonException.Reason.CANCELLED;
      boolean server = e.reason() == TritonException.Reason.SERVER_FAILED;
      permit.end(left ? Verdict.IGNORED : server ? Verdict.FAILED : GuardedScorer.verdict(failure));
      Fault fault = ScoringFaults.of(failure.reason());
      if (!left
          && (fault == Fault.DEPENDENCY_DOWN
              || fault == Fault.OVERLOADED
              || server
              || GuardedScorer.concernsAll(failure))) {
        throw new MeshException(fault, String.valueOf(e.getMessage()), e);
      }
      throw failure;
    } finally {
      permit.end(Verdict.IGNORED); // if nothing was said of it: an error of ours
    }
  }

  @Override
  public void close() {
    fleet.close();
  }
}
