package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationTimes;
import java.util.List;
import java.util.Optional;

/**
 * What was generated for one suggestion.
 *
 * @param generations one for each candidate, in order
 * @param slowest the one that was waited for; empty if the engine does not tell its times
 */
public record Candidates(List<Generation> generations, Optional<Timed> slowest) {
  public Candidates {
    generations = List.copyOf(generations);
  }

  /** A generation, and where its time went. */
  public record Timed(Generation generation, GenerationTimes times) {}

  /** The tokens of all candidates. */
  public int tokens() {
    return generations.stream().mapToInt(each -> each.tokens().size()).sum();
  }
}
