package io.ballast.standalone;

import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.orchestrator.config.OrchestratorProperties;
import io.ballast.orchestrator.wiring.OrchestratorModule;
import io.ballast.policy.config.PolicyProperties;
import io.ballast.policy.wiring.PolicyModule;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.safety.wiring.SafetyModule;
import jakarta.enterprise.context.Dependent;
import jakarta.inject.Inject;
import java.util.function.Function;

/** Makes the server of a role from its properties: the one place that knows all four. */
@Dependent
public final class ServerModules implements Function<Role, ServerModule> {
  private final PolicyProperties policy;
  private final RewardProperties reward;
  private final SafetyProperties safety;
  private final OrchestratorProperties orchestrator;

  /** Takes the properties of every server. */
  @Inject
  public ServerModules(
      PolicyProperties policy,
      RewardProperties reward,
      SafetyProperties safety,
      OrchestratorProperties orchestrator) {
    this.policy = policy;
    this.reward = reward;
    this.safety = safety;
    this.orchestrator = orchestrator;
  }

  @Override
  public ServerModule apply(Role role) {
    return switch (role) {
      case POLICY_SERVER -> new PolicyModule(policy);
      case REWARD_SERVER -> new RewardModule(reward);
      case SAFETY_SERVER -> new SafetyModule(safety, policy.allTenantsDecisions());
      case ORCHESTRATOR -> new OrchestratorModule(orchestrator);
    };
  }
}
