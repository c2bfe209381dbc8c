package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.rl.constraint.ConstrainedReturns;
import io.ballast.rl.constraint.ConstraintMultiplier;
import io.ballast.rl.constraint.CostBuffer;
import io.ballast.rl.constraint.LagrangeMultiplier;
import io.ballast.rl.constraint.LogLagrangeMultiplier;
import io.ballast.rl.constraint.PessimisticCost;
import java.util.OptionalDouble;

/**
 * The price of harm in one iteration, after HC-RLHF: the costs enter the buffer, λ takes its step
 * on the pessimistic bound, then the returns are formed with the new λ. The same buffer, and so one
 * n_b, serves both. With the constraint off, returns are rewards.
 *
 * @param spec the constants
 * @param bound the pessimistic bound
 * @param costs with this iteration's
 * @param lambda after the step
 * @param pessimistic the bound that λ reacted to; empty with the constraint off
 */
record Constraint(
    ConstraintSpec spec,
    PessimisticCost bound,
    CostBuffer costs,
    double lambda,
    OptionalDouble pessimistic) {
  /** HC-RLHF clips rewards here; ours are on the members' common scale, far within. */
  private static final double LARGEST_REWARD = 50;

  /**
   * After {@code rollout}.
   *
   * @param before what the iteration before handed on
   * @param delta of the safety test to come
   * @param testSize n_s: how many prompts it will have
   */
  static Constraint after(
      ConstraintSpec spec, double delta, int testSize, LoopState before, JudgedRollout rollout) {
    PessimisticCost bound =
        new PessimisticCost(delta, spec.estimationFactor(), spec.testFactor(), testSize);
    CostBuffer costs =
        new CostBuffer(spec.buffer(), before.costs())
            .add(rollout.completions().mapToDouble(JudgedCompletion::cost).toArray());
    if (!spec.enabled()) {
      return new Constraint(spec, bound, costs, before.lambda(), OptionalDouble.empty());
    }
    double pessimistic = bound.upperBound(costs);
    double lambda = multiplier(spec, before.lambda()).step(pessimistic, spec.target()).lambda();
    return new Constraint(spec, bound, costs, lambda, OptionalDouble.of(pessimistic));
  }

  private static ConstraintMultiplier multiplier(ConstraintSpec spec, double lambda) {
    return switch (spec.multiplier()) {
      case LINEAR -> new LagrangeMultiplier(lambda, spec.lambdaStep(), spec.lambdaMax());
      case LOG ->
          new LogLagrangeMultiplier(lambda, spec.lambdaStep(), spec.lambdaMin(), spec.lambdaMax());
    };
  }

  /** What a completion is worth: its reward less the price of its harm. */
  double returnOf(JudgedCompletion completion) {
    if (!spec.enabled()) {
      return completion.reward();
    }
    return ConstrainedReturns.pessimisticReturn(
        completion.reward(),
        0, // the KL penalty is a term of the loss
        0,
        LARGEST_REWARD,
        lambda,
        bound.linearised(completion.cost(), costs, spec.stdFloor()));
  }
}
