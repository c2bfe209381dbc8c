package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.NamedObjective;
import java.util.List;

/**
 * What a run is asked to do, complete: every default is filled in and every range is checked by
 * {@link RunSpecReader}. docs/run-spec.md says what each key means.
 *
 * @param name names the run and its candidate
 * @param policy the version to start from
 * @param iterations the most sample-to-update rounds, ≥ 1
 * @param seed of prompts and samples: the same spec gives the same run
 * @param rollout how to sample
 * @param prompts what to sample from
 * @param reward who rewards
 * @param cost who judges harm
 * @param advantage better than expected by whom
 * @param objective the loss, with its KL term if it has one
 * @param returnKlCoefficient β of the KL in the return, ≥ 0; 0 where the KL is a term of the loss
 * @param updatesPerIteration optimiser updates on the samples of one iteration, ≥ 1
 * @param learningRate of every update, &gt; 0
 * @param constraints the prices of harm, at least one; all by the same method
 * @param measured harm that is measured only
 * @param stop when to stop early
 * @param watch over the rewards
 * @param safetyTest what the candidate must pass
 * @param promotion who promotes
 * @param alias what is promoted
 */
public record RunSpec(
    String name,
    VersionSelector policy,
    int iterations,
    long seed,
    RolloutSpec rollout,
    PromptSource prompts,
    RewardSpec reward,
    ModelRef cost,
    AdvantageKind advantage,
    NamedObjective objective,
    double returnKlCoefficient,
    int updatesPerIteration,
    double learningRate,
    List<ConstraintSpec> constraints,
    List<MeasuredSpec> measured,
    StopSpec stop,
    WatchSpec watch,
    SafetyTestSpec safetyTest,
    PromotionMode promotion,
    String alias) {
  /**
   * Of what holds where a spec says nothing. 1: GRPO with PPO_CLIP, the KL as a term of the loss
   * and λ by steps; 2: those of {@code constraint.method}.
   */
  public static final int DEFAULTS_VERSION = 2;

  /** Copies the lists. */
  public RunSpec {
    constraints = List.copyOf(constraints);
    measured = List.copyOf(measured);
  }

  /** How harm gets its prices. */
  public ConstraintMethod method() {
    return constraints.getFirst().method();
  }

  /** Whether harm has a price. */
  public boolean constrained() {
    return constraints.stream().anyMatch(ConstraintSpec::enabled);
  }

  /**
   * Takes up that the reward tells no spread.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the key, if the spec names
   *     a limit of it: nothing would ever be compared with that limit
   */
  public void requireNoSpreadLimit() {
    requireAbsent("stop.spread_growth", stop.spread());
    requireAbsent("watch.max_spread_growth", watch.spread());
  }

  private void requireAbsent(String key, SpreadLimit limit) {
    if (limit.named()) {
      throw Faults.malformed(
          key,
          "%s (expected: absent; %s tells no spread of members)"
              .formatted(limit.growth(), reward.model()));
    }
  }
}
