package io.ballast.reward.core;

import io.ballast.inference.scoring.Content;
import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What is asked about best of n.
 *
 * @param behalf on whose behalf
 * @param ensemble who scores completions that come without a reward
 * @param aggregation how
 * @param truncation what becomes of a prompt that is longer than the ensemble sees
 * @param pools one for each prompt
 * @param ns the n to estimate, ascending; empty: powers of two up to the smallest pool
 * @param fitUpTo the greatest n that the fit uses; 0: all
 * @param confidence of the intervals, above 0, below 1; empty: 0.95
 * @param resamples bootstrap samples of the prompts; 0: 1,000
 * @param seed draws them
 */
public record BestOfNCommand(
    OnBehalf behalf,
    Lane lane,
    VersionSelector ensemble,
    AggregationChoice aggregation,
    Truncation truncation,
    List<Pool> pools,
    List<Integer> ns,
    int fitUpTo,
    OptionalDouble confidence,
    int resamples,
    long seed) {
  public BestOfNCommand {
    pools = List.copyOf(pools);
    ns = List.copyOf(ns);
  }

  /**
   * The completions of one prompt with their gold rewards.
   *
   * @param path where it stands in the request, such as {@code pools[3]}
   * @param gold one for each completion; not yet checked
   */
  public record Pool(String path, Proxies proxies, Values gold) {}

  /** The rewards to choose by. */
  public sealed interface Proxies {
    /** Given. */
    record Given(Values rewards) implements Proxies {}

    /** To be scored first. */
    record ToScore(Content prompt, List<Content> completions) implements Proxies {
      public ToScore {
        completions = List.copyOf(completions);
      }
    }

    /** Both were given, or neither. */
    record Unclear(String flaw) implements Proxies {}
  }

  /** Numbers as they came, NaN and all, read by index. */
  public interface Values {
    /** How many. */
    int size();

    /** The one at {@code index}. */
    double get(int index);
  }
}
