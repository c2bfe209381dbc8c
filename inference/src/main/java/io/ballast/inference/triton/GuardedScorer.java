package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.scoring.ScoringFaults;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Permit;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import java.util.List;

/**
 * A scorer behind a breaker. What a server cannot do for anybody now is a fault of the mesh, and
 * fails the call that asks; what it makes of some completions fails those.
 */
final class GuardedScorer implements CompletionScorer {
  private final CompletionScorer next;
  private final PeerGuard guard;
  private final ScoringFleet.OpenScoring connections;

  /**
   * @param connections closed with this
   */
  GuardedScorer(CompletionScorer next, PeerGuard guard, ScoringFleet.OpenScoring connections) {
    this.next = next;
    this.guard = guard;
    this.connections = connections;
  }

  /** What a failure says of the server: it answered, or it is away or works for nobody. */
  static Verdict verdict(ModelException e) {
    return e.reason() == ModelException.Reason.UNAVAILABLE || concernsAll(e)
        ? Verdict.FAILED
        : Verdict.SUCCEEDED;
  }

  /** Whether a server would have failed so whatever it was asked. */
  static boolean concernsAll(ModelException e) {
    return e.getCause() instanceof TritonException told
        && switch (told.reason()) {
          case FORBIDDEN, UNSUPPORTED, NOT_HERE -> true;
          default -> false;
        };
  }

  /** Whether a server failed without a word on the model: with one group, not for a neighbour's. */
  private static boolean serverFailed(ModelException e) {
    return e.getCause() instanceof TritonException told
        && told.reason() == TritonException.Reason.SERVER_FAILED;
  }

  @Override
  public ScoringSpec spec() {
    return next.spec();
  }

  /** Whether this is what comes of callers who have left, which says nothing of the server. */
  private static boolean left(ModelException e, CallPatience callers) {
    return callers.cancelled()
        && e.getCause() instanceof TritonException told
        && told.reason() == TritonException.Reason.CANCELLED;
  }

  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups) {
    return score(groups, CallPatience.endless());
  }

  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups, CallPatience callers) {
    Permit permit = guard.acquire();
    try {
      List<List<ScoreOutcome>> outcomes = next.score(groups, callers);
      permit.end(Verdict.SUCCEEDED);
      return outcomes;
    } catch (ModelException e) {
      if (left(e, callers)) {
        permit.end(Verdict.IGNORED);
        throw e;
      }
      boolean alone = groups.size() == 1 && serverFailed(e);
      permit.end(alone ? Verdict.FAILED : verdict(e));
      Fault fault = ScoringFaults.of(e.reason());
      if (fault == Fault.DEPENDENCY_DOWN || fault == Fault.OVERLOADED || concernsAll(e) || alone) {
        throw new MeshException(fault, String.valueOf(e.getMessage()), e);
      }
      throw e;
    } finally {
      permit.end(Verdict.IGNORED); // if nothing was said of it: an error of ours
    }
  }

  @Override
  public void close() {
    next.close();
    connections.close();
  }
}
