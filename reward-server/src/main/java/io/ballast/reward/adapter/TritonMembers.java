package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.triton.ScoringFleet.OpenScoring;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Permit;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.MemberScorer;
import io.ballast.reward.core.PromptGroup;
import java.util.List;
import java.util.OptionalLong;

/**
 * The members of an ensemble behind Triton, for the work of one lane. What Triton cannot do for
 * anybody now fails the call that asks; what it makes of some completions fails those.
 */
final class TritonMembers implements MemberScorer {
  private final OpenScoring ensemble;
  private final PeerGuard guard;
  private final MemberScorer scorer;

  /** Takes over {@code ensemble}, which is closed with this. */
  TritonMembers(OpenScoring ensemble, PeerGuard guard, Lane lane) {
    this.ensemble = ensemble;
    this.guard = guard;
    this.scorer = new CompletionMemberScorer(ensemble.scorer(OptionalLong.of(priority(lane))));
  }

  /** What exported models call the lane: the highest is 1. */
  private static long priority(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> 1;
      case TRAINER -> 2;
      case BATCH -> 3;
    };
  }

  @Override
  public MemberScorer in(Lane lane) {
    return new TritonMembers(ensemble, guard, lane);
  }

  @Override
  public List<List<CompletionScores>> score(List<PromptGroup> groups) {
    Permit permit = guard.acquire();
    try {
      List<List<CompletionScores>> scores = scorer.score(groups);
      permit.end(Verdict.SUCCEEDED);
      return scores;
    } catch (ModelException e) {
      boolean away = e.reason() == ModelException.Reason.UNAVAILABLE;
      permit.end(away ? Verdict.FAILED : Verdict.SUCCEEDED); // it answered, whatever it said
      if (away || e.reason() == ModelException.Reason.OVERLOADED) {
        throw new MeshException(
            away ? Fault.DEPENDENCY_DOWN : Fault.OVERLOADED, String.valueOf(e.getMessage()), e);
      }
      throw e;
    } finally {
      permit.end(Verdict.IGNORED); // if nothing was said of it: an error of ours
    }
  }

  @Override
  public void close() {
    scorer.close();
    ensemble.close();
  }
}
