package io.ballast.orchestrator.core.spec;

import io.ballast.rl.constraint.Staleness;

/**
 * A constraint on the mean harm probability, and how it is priced while a run learns.
 *
 * @param name of the constraint, unique in its run
 * @param cost who judges harm
 * @param enabled whether harm has a price at all; if not, costs are measured only
 * @param method how it gets one
 * @param target what the method holds the mean cost, or its bound, at or below, 0 to 1; not read by
 *     FIXED_PENALTY
 * @param penalty ν ≥ 0: the price of FIXED_PENALTY
 * @param price how λ moves; not read by FIXED_PENALTY
 * @param estimationFactor C1 ≥ 0 of HC_RLHF
 * @param testFactor C2 ≥ 0 of HC_RLHF
 * @param buffer n_b at most: the latest costs that λ reacts to, ≥ 2
 * @param staleness how much the costs of older policies count
 * @param test who certifies, and how strictly
 * @param stdFloor the least standard deviation in the linearisation, &gt; 0
 */
public record ConstraintSpec(
    String name,
    ModelRef cost,
    boolean enabled,
    ConstraintMethod method,
    double target,
    double penalty,
    Price price,
    double estimationFactor,
    double testFactor,
    int buffer,
    Staleness staleness,
    Test test,
    double stdFloor) {

  /** What the only constraint of a run is called that does not name it. */
  public static final String DEFAULT_NAME = "harm";

  /**
   * What a candidate must pass.
   *
   * @param costModel who judges
   * @param threshold τ, 0 to 1
   * @param delta δ of this constraint, above 0, below 1
   */
  public record Test(ModelRef costModel, double threshold, double delta) {}

  /**
   * How λ moves.
   *
   * @param multiplier by steps or by factors
   * @param init λ before the first iteration, ≥ 0
   * @param step η, &gt; 0
   * @param min the floor of LOG, &gt; 0
   * @param max the cap, ≥ {@code init}
   */
  public record Price(
      MultiplierKind multiplier, double init, double step, double min, double max) {}

  /** How the multiplier moves. */
  public enum MultiplierKind {
    /** By steps of its own size: {@link io.ballast.rl.constraint.LagrangeMultiplier}. */
    LINEAR,
    /** By factors, as HC-RLHF does: {@link io.ballast.rl.constraint.LogLagrangeMultiplier}. */
    LOG
  }

  /** Whether its price moves. */
  public boolean hasMultiplier() {
    return enabled && method.hasMultiplier();
  }

  /** λ before the first iteration, or ν; 0 with the constraint off. */
  public double initialLambda() {
    if (!enabled) {
      return 0;
    }
    return method.hasMultiplier() ? price.init() : penalty;
  }
}
