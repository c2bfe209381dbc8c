package io.ballast.policy.core.sample;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.PhaseTimes;
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
   * @param entropies shape [T], nats, temperature 1; of no tokens unless asked for
   * @param alternatives the likeliest tokens in each token's place, shape [T][K]; of no tokens
   *     unless asked for
   */
  public record Sequence(
      TokenIds tokens,
      PerToken logProbs,
      PerToken entropies,
      List<List<TokenScores.Alternative>> alternatives) {
    public Sequence {
      alternatives = List.copyOf(alternatives);
    }
  }
}
