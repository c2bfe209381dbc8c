package io.ballast.policy.core.sample;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.VersionSelector;
import java.util.List;

/**
 * Sequences to evaluate.
 *
 * @param items shape [N]
 * @param detail what to tell of each token beside its log-probability
 * @param arrivalNanos when the call arrived, by the monotonic clock
 */
public record LogProbsCommand(
    Caller caller, VersionSelector policy, List<Item> items, Detail detail, long arrivalNanos) {
  public LogProbsCommand {
    items = List.copyOf(items);
  }

  /** What to condition on, and what to give probabilities to. */
  public record Item(Content prompt, Content completion) {}

  /**
   * What to tell of each token beside its log-probability.
   *
   * @param entropies whether to tell the entropy in its place
   * @param alternatives how many of the likeliest tokens to name in its place, as the caller said
   */
  public record Detail(boolean entropies, int alternatives) {
    /** Whether anything is to be told. */
    boolean any() {
      return entropies || alternatives > 0;
    }
  }
}
