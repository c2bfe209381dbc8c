package io.ballast.policy.core.suggest;

import io.ballast.kit.call.Caller;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Who gives costs and verdicts. */
@FunctionalInterface
public interface CostOracle {
  /**
   * Starts judging the completions of one prompt.
   *
   * @return one outcome for each completion, in order; fails with a {@link
   *     PeerUnavailableException}
   */
  CompletableFuture<List<CostOutcome>> judge(
      Caller caller, String prompt, List<String> completions);
}
