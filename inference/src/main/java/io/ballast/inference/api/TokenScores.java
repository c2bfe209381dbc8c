package io.ballast.inference.api;

import java.util.List;

/**
 * What a decoder says of one given continuation, temperature 1.
 *
 * @param logProbs shape [T], nats
 * @param entropies of the distribution that each token was predicted with, shape [T], nats
 * @param alternatives the likeliest tokens in each token's place, the likeliest first, shape [T][K]
 */
public record TokenScores(
    PerToken logProbs, PerToken entropies, List<List<Alternative>> alternatives) {
  public TokenScores {
    alternatives = alternatives.stream().map(List::copyOf).toList();
  }

  /**
   * A token that might have been there.
   *
   * @param tokenId which
   * @param logProb its log-probability in nats
   */
  public record Alternative(int tokenId, float logProb) {}
}
