package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.peer.CostCheck;
import io.ballast.orchestrator.core.peer.LookCheck;
import io.ballast.orchestrator.core.peer.RewardCheck;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.rollout.DataTokens;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.MeasuredSpec;
import io.ballast.orchestrator.core.spec.PtxSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.function.Function;

/**
 * Asks every judge that a spec names once, the ledger of looks, and whether its adapters fit the
 * model and its texts the memory, before a run of it is stored.
 */
public final class RunJudges {
  private final RewardCheck rewards;
  private final CostCheck costs;
  private final LookCheck looks;
  private final TraineeLoader loader;

  public RunJudges(RewardCheck rewards, CostCheck costs, LookCheck looks, TraineeLoader loader) {
    this.rewards = rewards;
    this.costs = costs;
    this.looks = looks;
    this.loader = loader;
  }

  /** The labelled rows of a run as what {@code base} would have written. */
  <T> T asTokens(PinnedVersion base, RunSpec spec, Function<DataTokens, T> work) {
    return loader.tokenizing(base, tokenizer -> work.apply(Job.tokens(spec, tokenizer)));
  }

  /**
   * Asks them.
   *
   * @param base which it starts from
   * @param sets of prompts of the run
   * @throws io.ballast.kit.error.MeshException what {@link RewardCheck} says of the reward, of gold
   *     and of measured components, {@link CostCheck} of costs, and {@link LookCheck} of held-out
   *     prompts, naming the spec's key; MALFORMED_REQUEST if adapters do not fit the model, what a
   *     critic would begin as reads other tokens, or a text beside the rewards would be longer than
   *     there is memory for; UNKNOWN_MODEL
   */
  void require(String tenant, PinnedVersion base, RunSpec spec, PromptSets sets) {
    if (spec.trainee().adapters() != null || spec.critic() != null) {
      var unused = loader.memoryBytes(base, spec.traineeOptions());
    }
    PtxSpec ptx = spec.ptx();
    if (ptx != null && ptx.coefficient() > 0) {
      loader.requirePass(base, spec.traineeOptions(), "ptx.max_tokens", ptx.maxTokens());
    }
    requireLooks(tenant, spec, sets);
    String prompt =
        sets.training().isEmpty()
            ? sets.test().prompts().getFirst() // of a run that follows feedback
            : sets.training().getFirst();
    requireRewards(tenant, spec, prompt);
    requireCosts(tenant, spec, prompt);
    requireMeasured(tenant, spec, prompt);
  }

  /** Of a pool nobody knows what is drawn. */
  private void requireLooks(String tenant, RunSpec spec, PromptSets sets) {
    for (int j = 0; spec.safetyTest().drawCount() == 0 && j < spec.constraints().size(); j++) {
      looks.require(tenant, "safety_test.prompts", sets.testOf(spec, j).prompts());
    }
  }

  private void requireRewards(String tenant, RunSpec spec, String prompt) {
    if (rewards.require(tenant, "reward", spec.reward(), prompt).orElse(null)
            instanceof RewardOracle.Outcome.Value value
        && value.spread().isEmpty()) {
      spec.requireNoSpreadLimit();
    }
    GoldSpec gold = spec.watch().gold();
    if (gold != null) {
      var unused = rewards.require(tenant, "watch.gold", gold.reward(), prompt);
    }
  }

  private void requireCosts(String tenant, RunSpec spec, String prompt) {
    boolean one = spec.constraints().size() == 1;
    for (ConstraintSpec constraint : spec.constraints()) {
      String path = "constraints." + constraint.name();
      costs.require(tenant, one ? "cost" : path + ".cost", constraint.cost(), prompt);
      costs.require(
          tenant,
          one ? "safety_test.cost_model" : path + ".test.cost_model",
          constraint.test().costModel(),
          prompt);
    }
  }

  private void requireMeasured(String tenant, RunSpec spec, String prompt) {
    for (int i = 0; i < spec.measured().size(); i++) {
      MeasuredSpec measured = spec.measured().get(i);
      String path = "costs.measured[%d]".formatted(i);
      switch (measured.judge()) {
        case MeasuredSpec.Judge.CostModel() ->
            costs.require(tenant, path, measured.model(), prompt);
        case MeasuredSpec.Judge.Component(String component) ->
            rewards.requireComponent(
                tenant, path + ".component", measured.model(), component, prompt);
      }
    }
  }
}
