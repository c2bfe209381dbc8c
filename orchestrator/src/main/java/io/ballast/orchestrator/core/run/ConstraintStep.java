package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.ConstraintMultiplier;
import io.ballast.rl.constraint.CostMoments;
import io.ballast.rl.constraint.LagrangeMultiplier;
import io.ballast.rl.constraint.LogLagrangeMultiplier;
import io.ballast.rl.constraint.PessimisticCost;
import io.ballast.rl.constraint.TaggedCost;
import io.ballast.rl.constraint.TaggedCosts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One constraint in one iteration: its costs enter the buffer, λ takes its step, and then a
 * completion's cost has its price. The same moments, and so one n_b, serve both.
 */
sealed interface ConstraintStep {
  /** The constants. */
  ConstraintSpec spec();

  /** What the next iteration begins with; its λ is the one in force now. */
  ConstraintState next();

  /** What λ reacted to; null if it does not move. */
  @Nullable Double bound();

  /** What one more harm probability {@code cost} takes from a return. */
  double price(double cost);

  /** λ in force. */
  default double lambda() {
    return next().lambda();
  }

  /** What there is to see, beside the mean cost of the iteration's completions. */
  default ConstraintReading reading(double meanCost) {
    Double bound = bound();
    return new ConstraintReading(
        spec().name(),
        meanCost,
        bound,
        spec().enabled() ? lambda() : null,
        bound == null ? null : spec().target(),
        bound != null && bound > spec().target() && lambda() >= spec().price().max());
  }

  /**
   * λ reacts to the pessimistic bound m + K·s, and a cost counts as the bound sees it, λ·c̃.
   *
   * @param pessimistic the bound's constants
   * @param moments of the buffer, with this iteration's costs
   */
  record HcRlhf(
      ConstraintSpec spec,
      PessimisticCost pessimistic,
      CostMoments moments,
      ConstraintState next,
      @Nullable Double bound)
      implements ConstraintStep {
    @Override
    public double price(double cost) {
      return lambda() * pessimistic.linearised(cost, moments, spec.stdFloor());
    }
  }

  /** λ reacts to the mean of the latest costs, and a cost counts as it is, λ·C. */
  record PpoLagrangian(ConstraintSpec spec, ConstraintState next, @Nullable Double bound)
      implements ConstraintStep {
    @Override
    public double price(double cost) {
      return lambda() * cost;
    }
  }

  /** The price ν does not move: ν·C. */
  record FixedPenalty(ConstraintSpec spec, ConstraintState next) implements ConstraintStep {
    @Override
    public @Nullable Double bound() {
      return null;
    }

    @Override
    public double price(double cost) {
      return lambda() * cost;
    }
  }

  /**
   * What the safety test to come is.
   *
   * @param delta δ of one look
   * @param size n_s: how many independent costs it will have, ≥ 2
   * @param method its bound
   */
  record TestToCome(double delta, int size, BoundMethod method) {}

  /**
   * Takes the step.
   *
   * @param test of this constraint
   * @param before what the iteration before handed on
   * @param iteration from 1: the version that is learned
   * @param sampledBy the version that its costs are of, at most {@code iteration}
   * @param costs of its completions, at least two
   */
  static ConstraintStep after(
      ConstraintSpec spec,
      TestToCome test,
      ConstraintState before,
      int iteration,
      int sampledBy,
      double[] costs) {
    List<TaggedCost> kept = before.costs();
    int most = Math.min(kept.size(), spec.buffer());
    TaggedCosts buffer =
        new TaggedCosts(spec.buffer(), kept.subList(kept.size() - most, kept.size()))
            .add(sampledBy, costs);
    return switch (spec.method()) {
      case HC_RLHF -> {
        PessimisticCost pessimistic =
            new PessimisticCost(
                test.delta(),
                spec.estimationFactor(),
                spec.testFactor(),
                test.size(),
                test.method());
        CostMoments moments = buffer.at(iteration, spec.staleness());
        Double bound = spec.enabled() ? pessimistic.upperBound(moments) : null;
        yield new HcRlhf(spec, pessimistic, moments, moved(spec, before, buffer, bound), bound);
      }
      case PPO_LAGRANGIAN -> {
        Double mean = spec.enabled() ? buffer.at(iteration, spec.staleness()).mean() : null;
        yield new PpoLagrangian(spec, moved(spec, before, buffer, mean), mean);
      }
      case FIXED_PENALTY -> new FixedPenalty(spec, moved(spec, before, buffer, null));
    };
  }

  private static ConstraintState moved(
      ConstraintSpec spec, ConstraintState before, TaggedCosts buffer, @Nullable Double bound) {
    double lambda =
        bound == null
            ? spec.initialLambda()
            : multiplier(spec.price(), before.lambda()).step(bound, spec.target()).lambda();
    return new ConstraintState(spec.name(), lambda, buffer.costs());
  }

  /** A λ that was stored under another range is brought into the price's. */
  private static ConstraintMultiplier multiplier(ConstraintSpec.Price price, double lambda) {
    return switch (price.multiplier()) {
      case LINEAR ->
          new LagrangeMultiplier(Math.clamp(lambda, 0, price.max()), price.step(), price.max());
      case LOG ->
          new LogLagrangeMultiplier(
              Math.clamp(lambda, price.min(), price.max()), price.step(), price.min(), price.max());
    };
  }
}
