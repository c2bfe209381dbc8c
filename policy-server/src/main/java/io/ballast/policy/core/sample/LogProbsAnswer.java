package io.ballast.policy.core.sample;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.policy.core.PhaseTimes;
import io.ballast.policy.core.PinnedVersion;
import java.util.List;

/**
 * Log-probabilities in the order of the items.
 *
 * @param results shape [N]
 * @param policyVersion the version that answered
 * @param times where the time went
 */
public record LogProbsAnswer(
    List<Outcome<Sequence>> results, PinnedVersion policyVersion, PhaseTimes times) {
  public LogProbsAnswer {
    results = List.copyOf(results);
  }

  /**
   * One completion.
   *
   * @param tokens shape [T]
   * @param logProbs shape [T], nats, temperature 1
   */
  public record Sequence(TokenIds tokens, PerToken logProbs) {}
}
