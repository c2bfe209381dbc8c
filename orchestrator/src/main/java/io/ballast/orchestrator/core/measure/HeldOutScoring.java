package io.ballast.orchestrator.core.measure;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.EvaluationSpec;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.RolloutSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.bound.GroupMeans;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.selection.GoldPoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Evaluates a policy on held-out prompts by the run's own reward. Every evaluation of a run samples
 * the same prompts with the same seed, so that what differs is the weights.
 */
public final class HeldOutScoring {
  private static final int SAMPLES = 4; // beside those of PromptPlan, the safety test and gold

  private final RolloutSource rollouts;
  private final RewardOracle rewards;
  private final Patience policyServer;
  private final Patience rewardServer;

  /** Asks the servers that the run learns by, with the same patience. */
  public HeldOutScoring(
      RolloutSource rollouts, RewardOracle rewards, Patience policyServer, Patience rewardServer) {
    this.rollouts = rollouts;
    this.rewards = rewards;
    this.policyServer = policyServer;
    this.rewardServer = rewardServer;
  }

  /** An evaluation, with what was sampled for it. */
  public record Evaluated(EvaluationReading reading, List<SampledPrompt> sampled) {
    /** Copies the list. */
    public Evaluated {
      sampled = List.copyOf(sampled);
    }
  }

  /**
   * Evaluates {@code policy}.
   *
   * @param prompts of the evaluation
   * @throws MeshException as sampling and scoring for an iteration do
   */
  public Evaluated evaluate(
      String tenant,
      PinnedVersion policy,
      RunSpec spec,
      EvaluationSpec evaluation,
      GroupedPrompts prompts) {
    List<SampledPrompt> sampled =
        policyServer.call(
            "sample from " + policy + " for the evaluation",
            () -> rollouts.sample(query(tenant, policy, spec, evaluation, prompts)));
    List<Judgeable> items = new ArrayList<>();
    List<Integer> promptOf = new ArrayList<>();
    for (int i = 0; i < sampled.size(); i++) {
      if (sampled.get(i) instanceof SampledPrompt.Sampled prompt) {
        for (SampledCompletion completion : prompt.completions()) {
          if (completion.tokens().size() > 0) {
            items.add(new Judgeable(prompt.prompt(), completion));
            promptOf.add(i);
          }
        }
      }
    }
    List<RewardOracle.Outcome> outcomes =
        items.isEmpty()
            ? List.of()
            : rewardServer.call(
                "score the evaluation", () -> rewards.score(tenant, spec.reward(), items));
    if (outcomes.size() != items.size()) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "%d rewards for %d items".formatted(outcomes.size(), items.size()));
    }
    Scores scores = new Scores(prompts.size());
    for (int item = 0; item < outcomes.size(); item++) {
      scores.add(promptOf.get(item), outcomes.get(item));
    }
    return new Evaluated(scores.reading(evaluation, prompts), sampled);
  }

  private static RolloutSource.Query query(
      String tenant,
      PinnedVersion policy,
      RunSpec spec,
      EvaluationSpec evaluation,
      GroupedPrompts prompts) {
    RolloutSpec rollout = spec.rollout();
    return new RolloutSource.Query(
        tenant,
        policy,
        prompts.prompts(),
        evaluation.completions(),
        SamplingOptions.builder()
            .temperature(rollout.temperature())
            .maxNewTokens(rollout.maxNewTokens())
            .stopStrings(rollout.stopStrings())
            .seed(Seeds.derive(spec.seed(), SAMPLES))
            .build(),
        rollout.maxPromptTokens());
  }

  /** The rewards of each prompt's completions, as they come in. */
  private static final class Scores {
    private final double[] sums;
    private final int[] counts;
    private int scored;
    private String failure = "";

    private Scores(int prompts) {
      this.sums = new double[prompts];
      this.counts = new int[prompts];
    }

    private void add(int prompt, RewardOracle.Outcome outcome) {
      switch (outcome) {
        case RewardOracle.Outcome.Value(double reward, _)
            when Math.abs(reward) <= GoldPoint.MAX_GOLD -> { // squares of larger ones overflow
          sums[prompt] += reward;
          counts[prompt]++;
          scored++;
        }
        case RewardOracle.Outcome.Value value -> failed("a reward of a size beyond 1e100");
        case RewardOracle.Outcome.Missing(String reason) -> failed(reason);
      }
    }

    private void failed(String reason) {
      failure = failure.isEmpty() ? reason : failure;
    }

    private EvaluationReading reading(EvaluationSpec evaluation, GroupedPrompts prompts) {
      int asked = prompts.size() * evaluation.completions();
      int missing = asked - scored;
      double[] means = groupMeans(prompts);
      if (missing > scored || means.length < 2) {
        return new EvaluationReading.Failed(
            EvaluationReading.TOO_FEW_SCORES,
            "%,d of %,d completions have no reward%s"
                .formatted(missing, asked, failure.isEmpty() ? "" : "; the first: " + failure));
      }
      Interval interval = MeanIntervals.mean(means, evaluation.confidence());
      return new EvaluationReading.Measured(
          interval.estimate(),
          interval.low(),
          interval.high(),
          interval.confidence(),
          means.length,
          scored,
          missing);
    }

    /** The means of the groups that have a reward, each over its prompts' means. */
    private double[] groupMeans(GroupedPrompts prompts) {
      List<Double> values = new ArrayList<>();
      List<Integer> groups = new ArrayList<>();
      Map<Object, Integer> numbers = new HashMap<>();
      for (int i = 0; i < sums.length; i++) {
        if (counts[i] > 0) {
          Object group = prompts.groups().isEmpty() ? i : prompts.groups().get(i);
          values.add(sums[i] / counts[i]);
          groups.add(numbers.computeIfAbsent(group, unused -> numbers.size() + 1));
        }
      }
      return GroupMeans.of(
          values.stream().mapToDouble(Double::doubleValue).toArray(),
          groups.stream().mapToInt(Integer::intValue).toArray());
    }
  }
}
