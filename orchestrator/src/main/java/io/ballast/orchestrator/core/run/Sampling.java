package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.ArrayList;
import java.util.List;

/** The completions of one round of an iteration, from whom the recipe takes them. */
final class Sampling {
  private static final int BESIDE = 1;

  private final RolloutSource rollouts;
  private final Patiences patience;

  Sampling(RolloutSource rollouts, Patiences patience) {
    this.rollouts = rollouts;
    this.patience = patience;
  }

  /**
   * Samples from {@code policy} and whoever writes beside it.
   *
   * @param prompts of {@code round}, at least one
   */
  List<SampledPrompt> sample(
      Job job, Run run, PinnedVersion policy, PromptPlan.Round round, List<String> prompts) {
    RunSpec spec = job.spec();
    int completions = spec.rollout().completionsPerPrompt();
    double temperature = spec.rollout().temperature();
    long seed = job.plan().samplingSeed(round);
    long beside = Seeds.derive(seed, BESIDE); // or the reference would write what the policy writes
    return switch (spec.recipe().source()) {
      case POLICY -> sample(job, run, policy, prompts, completions, temperature, seed);
      case POLICY_AND_GREEDY ->
          besideEachOther(
              sample(job, run, policy, prompts, completions, temperature, seed),
              sample(job, run, policy, prompts, 1, 0, beside));
      case POLICY_AND_REFERENCE -> {
        int own = spec.policyCompletions();
        yield besideEachOther(
            sample(job, run, policy, prompts, own, temperature, seed),
            sample(job, run, run.base(), prompts, completions - own, temperature, beside));
      }
      case DATA -> throw new IllegalStateException("nothing is sampled");
    };
  }

  private List<SampledPrompt> sample(
      Job job,
      Run run,
      PinnedVersion from,
      List<String> prompts,
      int completions,
      double temperature,
      long seed) {
    RolloutSource.Query query =
        new RolloutSource.Query(
            run.tenant(),
            from,
            prompts,
            completions,
            SamplingOptions.builder()
                .temperature(temperature)
                .maxNewTokens(job.spec().rollout().maxNewTokens())
                .stopStrings(job.spec().rollout().stopStrings())
                .seed(seed)
                .build(),
            job.spec().rollout().maxPromptTokens());
    return patience.policyServer().call("sample from " + from, () -> rollouts.sample(query));
  }

  /** A prompt of which either failed has failed; what the other has written is counted still. */
  private static List<SampledPrompt> besideEachOther(
      List<SampledPrompt> policy, List<SampledPrompt> others) {
    List<SampledPrompt> both = new ArrayList<>();
    for (int i = 0; i < policy.size(); i++) {
      both.add(besideEachOther(policy.get(i), others.get(i)));
    }
    return both;
  }

  private static SampledPrompt besideEachOther(SampledPrompt policy, SampledPrompt other) {
    long tokens = policy.sampledTokens() + other.sampledTokens();
    return switch (policy) {
      case SampledPrompt.Failed(String reason, long _) -> new SampledPrompt.Failed(reason, tokens);
      case SampledPrompt.Sampled sampled ->
          switch (other) {
            case SampledPrompt.Failed(String reason, long _) ->
                new SampledPrompt.Failed(reason, tokens);
            case SampledPrompt.Sampled beside ->
                new SampledPrompt.Sampled(
                    sampled.prompt(),
                    sampled.promptTokens(),
                    sampled.completions(),
                    beside.completions());
          };
    };
  }
}
