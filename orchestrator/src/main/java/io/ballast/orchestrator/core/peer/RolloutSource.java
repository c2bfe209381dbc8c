package io.ballast.orchestrator.core.peer;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import java.util.List;

/** Samples from a version that is served. The same query gives the same samples. */
@FunctionalInterface
public interface RolloutSource {
  /**
   * Samples every prompt; one that cannot be sampled from fails alone.
   *
   * @return in the order of the prompts
   * @throws io.ballast.kit.error.MeshException if the call failed as a whole
   */
  List<SampledPrompt> sample(Query query);

  /**
   * What to sample.
   *
   * @param tenant on whose behalf
   * @param policy pinned
   * @param prompts P ≥ 1
   * @param completionsCount G ≥ 1
   * @param sampling how, the seed included
   * @param maxPromptTokens used, the last ones; 0: as many as fit
   */
  record Query(
      String tenant,
      PinnedVersion policy,
      List<String> prompts,
      int completionsCount,
      SamplingOptions sampling,
      int maxPromptTokens) {
    /** Copies the list. */
    public Query {
      prompts = List.copyOf(prompts);
    }
  }
}
