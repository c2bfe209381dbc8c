package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.ConstraintMethod;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.advantage.GroupAdvantages;
import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.constraint.ConstrainedReturns;
import java.util.ArrayList;
import java.util.List;

/**
 * The prices of harm in one iteration, and what completions are worth under them. All constraints
 * judge the same completions.
 *
 * @param method of all of them
 * @param leaveOneOut whether a completion is compared with the mean of the others, and not of all;
 *     read by PPO_LAGRANGIAN
 * @param klCoefficient β of the KL in the return
 * @param steps one for each constraint, in the spec's order
 */
record Constraints(
    ConstraintMethod method,
    boolean leaveOneOut,
    double klCoefficient,
    List<ConstraintStep> steps) {
  /** Rewards are clipped here, as in the code of Safe RLHF and HC-RLHF. */
  private static final double LARGEST_REWARD = 50;

  Constraints {
    steps = List.copyOf(steps);
  }

  /**
   * After {@code rollout}.
   *
   * @param before what the iteration before handed on
   * @param iteration from 1
   * @param testSize how many independent costs the safety test will have, ≥ 2
   */
  static Constraints after(
      RunSpec spec, LoopState before, int iteration, int testSize, JudgedRollout rollout) {
    List<ConstraintStep> steps = new ArrayList<>();
    for (int j = 0; j < spec.constraints().size(); j++) {
      ConstraintSpec constraint = spec.constraints().get(j);
      int index = j;
      steps.add(
          ConstraintStep.after(
              constraint,
              new ConstraintStep.TestToCome(
                  spec.safetyTest().of(constraint.test()).lookDelta(),
                  testSize,
                  spec.safetyTest().bound()),
              before.constraint(constraint),
              iteration,
              RolloutAhead.sampledBy(iteration, spec.rollout().staleness()),
              rollout.completions().mapToDouble(each -> each.costs().get(index)).toArray()));
    }
    return new Constraints(
        spec.method(),
        spec.recipe().advantage() == AdvantageKind.RLOO,
        spec.returnKlCoefficient(),
        steps);
  }

  /** Prices that no cost moves: those of FIXED_PENALTY. */
  static Constraints fixed(RunSpec spec) {
    if (spec.method() != ConstraintMethod.FIXED_PENALTY) {
      throw new IllegalStateException("the prices of " + spec.method() + " move");
    }
    return new Constraints(
        spec.method(),
        spec.recipe().advantage() == AdvantageKind.RLOO,
        spec.returnKlCoefficient(),
        spec.constraints().stream()
            .<ConstraintStep>map(
                each ->
                    new ConstraintStep.FixedPenalty(
                        each, new ConstraintState(each.name(), each.initialLambda(), List.of())))
            .toList());
  }

  /** What the next iteration begins with. */
  List<ConstraintState> next() {
    return steps.stream().map(ConstraintStep::next).toList();
  }

  /** What there is to see of each. */
  List<ConstraintReading> readings(JudgedRollout rollout) {
    List<ConstraintReading> readings = new ArrayList<>();
    for (int j = 0; j < steps.size(); j++) {
      int index = j;
      readings.add(
          steps
              .get(j)
              .reading(
                  rollout
                      .completions()
                      .mapToDouble(each -> each.costs().get(index))
                      .average()
                      .orElseThrow()));
    }
    return readings;
  }

  /**
   * What each completion of a group is worth: its reward less the price of its harm.
   *
   * @param kl Σₜ (log π − log π_ref) of each, nats, shape [G]; read where the KL is in the return
   * @return shape [G]
   */
  double[] worths(JudgedGroup group, double[] kl) {
    return worths(
        group.completions(),
        kl,
        switch (method) {
          case HC_RLHF -> this::pessimisticReturn;
          case FIXED_PENALTY -> (completion, _) -> completion.rewardLearnedBy() - harm(completion);
          case PPO_LAGRANGIAN ->
              throw new IllegalStateException("rewards and costs have advantages of their own");
        });
  }

  /** The price of a completion's harm, in the reward's unit. */
  double price(JudgedCompletion completion) {
    return harm(completion);
  }

  /** G = clip(R − β·kl, ±50) − Σⱼ λⱼ·c̃ⱼ. */
  private double pessimisticReturn(JudgedCompletion completion, double kl) {
    return ConstrainedReturns.pessimisticReturn(
        completion.rewardLearnedBy(), kl, klCoefficient, LARGEST_REWARD, 1, harm(completion));
  }

  private double harm(JudgedCompletion completion) {
    double sum = 0;
    for (int j = 0; j < steps.size(); j++) {
      sum += steps.get(j).price(completion.costs().get(j));
    }
    return sum;
  }

  /**
   * Â = (A_r − Σⱼ λⱼ·A_cⱼ)/(1 + Σⱼ λⱼ), with A_r of clip(R, ±50) − ½β·kl and A_cⱼ of Cⱼ + ½β·kl.
   * Safe RLHF has critics and GAE where a group's own baseline stands here.
   *
   * @param kl Σₜ (log π − log π_ref) of each, nats, shape [G]
   * @return how much better than expected each is, shape [G]
   */
  double[] lagrangian(JudgedGroup group, double[] kl) {
    double half = klCoefficient / 2;
    double[] rewards =
        centred(
            group,
            kl,
            (completion, nats) ->
                Math.clamp(completion.rewardLearnedBy(), -LARGEST_REWARD, LARGEST_REWARD)
                    - half * nats);
    double lambda = steps.stream().mapToDouble(ConstraintStep::lambda).sum();
    double[] costs =
        centred(
            group,
            kl,
            (completion, nats) -> lambda == 0 ? 0 : harm(completion) / lambda + half * nats);
    return ConstrainedReturns.combinedAdvantages(rewards, costs, lambda);
  }

  /** What a completion is worth. */
  @FunctionalInterface
  private interface Worth {
    double of(JudgedCompletion completion, double kl);
  }

  private static double[] worths(List<JudgedCompletion> completions, double[] kl, Worth worth) {
    double[] worths = new double[completions.size()];
    for (int g = 0; g < worths.length; g++) {
      worths[g] = worth.of(completions.get(g), kl[g]);
    }
    return worths;
  }

  private double[] centred(JudgedGroup group, double[] kl, Worth worth) {
    double[] worths = worths(group.completions(), kl, worth);
    return leaveOneOut ? GroupAdvantages.leaveOneOut(worths) : GroupAdvantages.centred(worths);
  }
}
