package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.peer.CostCheck;
import io.ballast.orchestrator.core.peer.RewardCheck;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.MeasuredSpec;
import io.ballast.orchestrator.core.spec.RunSpec;

/** Asks every judge that a spec names once, before a run of it is stored. */
public final class RunJudges {
  private final RewardCheck rewards;
  private final CostCheck costs;

  public RunJudges(RewardCheck rewards, CostCheck costs) {
    this.rewards = rewards;
    this.costs = costs;
  }

  /**
   * Asks them.
   *
   * @param prompt that they are asked about
   * @throws io.ballast.kit.error.MeshException what {@link RewardCheck} says of the reward, of gold
   *     and of measured components, and {@link CostCheck} of costs, naming the spec's key
   */
  void require(String tenant, RunSpec spec, String prompt) {
    requireRewards(tenant, spec, prompt);
    requireCosts(tenant, spec, prompt);
    requireMeasured(tenant, spec, prompt);
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
