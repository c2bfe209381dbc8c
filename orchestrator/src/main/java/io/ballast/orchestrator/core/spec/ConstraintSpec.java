package io.ballast.orchestrator.core.spec;

/**
 * HC-RLHF's constraint: the pessimistic upper bound of the mean harm probability is held at or
 * below a target by a Lagrange multiplier.
 *
 * @param enabled whether harm has a price at all; if not, costs are measured only
 * @param target the bound's budget, 0 to 1
 * @param multiplier how λ moves
 * @param lambdaInit λ before the first iteration, ≥ 0
 * @param lambdaStep η, &gt; 0
 * @param lambdaMin the floor of LOG, &gt; 0
 * @param lambdaMax the cap, ≥ {@code lambdaInit}
 * @param estimationFactor C1 ≥ 0
 * @param testFactor C2 ≥ 0
 * @param buffer n_b at most: the latest costs that the bound is made of, ≥ 2
 * @param stdFloor the least standard deviation in the linearisation, &gt; 0
 */
public record ConstraintSpec(
    boolean enabled,
    double target,
    MultiplierKind multiplier,
    double lambdaInit,
    double lambdaStep,
    double lambdaMin,
    double lambdaMax,
    double estimationFactor,
    double testFactor,
    int buffer,
    double stdFloor) {

  /** How the multiplier moves. */
  public enum MultiplierKind {
    /** By steps of its own size: {@link io.ballast.rl.constraint.LagrangeMultiplier}. */
    LINEAR,
    /** By factors: {@link io.ballast.rl.constraint.LogLagrangeMultiplier}, as HC-RLHF does. */
    LOG
  }
}
