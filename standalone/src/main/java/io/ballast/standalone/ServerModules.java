package io.ballast.standalone;

import io.ballast.inference.torch.HandedCopies;
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
import io.ballast.standalone.config.MeshConfig;
import jakarta.enterprise.context.Dependent;
import jakarta.inject.Inject;
import java.util.Optional;
import java.util.function.Function;

/** Makes the servers of a process from their properties: the one place that knows all four. */
@Dependent
public final class ServerModules {
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

  /**
   * Returns what makes the server of a role.
   *
   * @param config of the process: weights that one of its servers trains and another serves go from
   *     the one to the other without a folder
   */
  public Function<Role, ServerModule> of(MeshConfig config) {
    HandedCopies copies = new HandedCopies();
    Optional<HandedCopies> served =
        Optional.of(copies).filter(each -> config.calledHere(Role.POLICY_SERVER));
    return role -> module(role, copies, served);
  }

  private ServerModule module(Role role, HandedCopies copies, Optional<HandedCopies> served) {
    return switch (role) {
      case POLICY_SERVER -> new PolicyModule(policy, copies);
      case REWARD_SERVER -> new RewardModule(reward);
      case SAFETY_SERVER -> new SafetyModule(safety, policy.allTenantsDecisions());
      case ORCHESTRATOR -> new OrchestratorModule(orchestrator, served);
    };
  }
}
