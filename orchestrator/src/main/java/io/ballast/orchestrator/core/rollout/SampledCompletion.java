package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;

/**
 * A completion as the policy-server sampled it, or as it stands in the data.
 *
 * @param tokens shape [T], T ≥ 0, the one that reached a stop string included
 * @param text without a stop string
 * @param logProbs what the server says of the tokens, shape [T], nats, temperature 1; of data none
 * @param truncated whether it was cut off at a limit, and did not end by itself
 * @param label what people said of it; NONE of what was sampled
 */
public record SampledCompletion(
    TokenIds tokens, String text, PerToken logProbs, boolean truncated, Label label) {
  /** What was sampled. */
  public SampledCompletion(TokenIds tokens, String text, PerToken logProbs, boolean truncated) {
    this(tokens, text, logProbs, truncated, Label.NONE);
  }
}
