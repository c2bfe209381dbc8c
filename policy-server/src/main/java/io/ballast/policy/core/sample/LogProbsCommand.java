package io.ballast.policy.core.sample;

import io.ballast.policy.core.Caller;
import io.ballast.policy.core.VersionSelector;
import java.util.List;

/**
 * Sequences to evaluate.
 *
 * @param items shape [N]
 * @param arrivalNanos when the call arrived, by the monotonic clock
 */
public record LogProbsCommand(
    Caller caller, VersionSelector policy, List<Item> items, long arrivalNanos) {
  public LogProbsCommand {
    items = List.copyOf(items);
  }

  /** What to condition on, and what to give probabilities to. */
  public record Item(Content prompt, Content completion) {}
}
