package io.ballast.standalone.experiment.safety;

import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.CostRange;
import io.ballast.rl.bound.MeanBounds;
import io.ballast.rl.bound.SafetyTest;
import io.ballast.rl.bound.SafetyTestResult.Passed;
import io.ballast.rl.constraint.CostBuffer;
import io.ballast.rl.constraint.PessimisticCost;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A toy in which risk pays: of forty policies the one with the highest reward is taken whose bound
 * of the cost is at most 0, and then tested.
 *
 * <pre>
 * μ_j = −.5 … .5 + N(0, .05²),  r_j = 0 … 1 + N(0, .1²),  τ = 0, δ = .1
 * costs of a policy: N(μ_j, 1), correlated by .25 across policies
 * </pre>
 *
 * <p>Policies are drawn anew in each trial. Source: the structure of HC-RLHF, arXiv:2506.08266.
 */
final class SelectionToy {
  static final double DELTA = .1;
  private static final int POLICIES = 40;
  private static final double SHARED = .25;

  /** How much of a bound selection holds against 0. */
  enum Rule {
    /** The mean alone. */
    NAIVE,
    /** Twice the width of the test to come (the Seldonian toolkit). */
    SELDONIAN,
    /** HC-RLHF's two terms, C1 = C2 = 1. */
    HC_RLHF;

    double bound(double[] costs, int testSize) {
      return switch (this) {
        case NAIVE -> Moments.mean(costs);
        case SELDONIAN -> MeanBounds.seldonianCandidateUpper(costs, DELTA, testSize);
        case HC_RLHF ->
            new PessimisticCost(DELTA, 1, 1, testSize)
                .upperBound(CostBuffer.ofCapacity(costs.length).add(costs));
      };
    }
  }

  /**
   * What came of one rule with so many costs.
   *
   * @param selectionSize n_c: costs of each policy that selection saw
   * @param testSize n_s
   * @param trials how many
   * @param unsafeChosen trials in which selection chose a policy whose mean cost is over 0
   * @param unsafeReturned trials in which the test let it pass
   * @param noSolution trials without a policy, none chosen or none that passed
   * @param reward the mean reward of the policies that were returned; 0 if there were none
   */
  record Cell(
      Rule rule,
      int selectionSize,
      int testSize,
      int trials,
      int unsafeChosen,
      int unsafeReturned,
      int noSolution,
      double reward) {}

  private SelectionToy() {}

  /**
   * Returns all cells of one n_c: each rule with each n_s, on the same draws.
   *
   * @param selectionSize ≥ 2
   * @param testSizes each ≥ 2
   */
  static List<Cell> cells(int selectionSize, List<Integer> testSizes, int trials, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<List<Tally>> tallies = new ArrayList<>();
    for (int s = 0; s < testSizes.size(); s++) {
      List<Tally> ofRules = new ArrayList<>();
      for (int rule = 0; rule < Rule.values().length; rule++) {
        ofRules.add(new Tally());
      }
      tallies.add(ofRules);
    }
    for (int trial = 0; trial < trials; trial++) {
      Trial drawn = Trial.draw(selectionSize, random);
      for (int s = 0; s < testSizes.size(); s++) {
        for (Rule rule : Rule.values()) {
          tallies.get(s).get(rule.ordinal()).count(drawn, rule, testSizes.get(s), random);
        }
      }
    }
    List<Cell> cells = new ArrayList<>();
    for (int s = 0; s < testSizes.size(); s++) {
      for (Rule rule : Rule.values()) {
        cells.add(
            tallies.get(s).get(rule.ordinal()).cell(rule, selectionSize, testSizes.get(s), trials));
      }
    }
    return cells;
  }

  /** Policies, and the costs that selection sees. */
  private record Trial(double[] means, double[] rewards, double[][] costs) {
    static Trial draw(int size, RandomGenerator random) {
      double[] means = new double[POLICIES];
      double[] rewards = new double[POLICIES];
      for (int j = 0; j < POLICIES; j++) {
        double place = (double) j / (POLICIES - 1);
        means[j] = place - .5 + random.nextGaussian(0, .05);
        rewards[j] = place + random.nextGaussian(0, .1);
      }
      double[][] costs = new double[POLICIES][size];
      for (int i = 0; i < size; i++) {
        double shared = Math.sqrt(SHARED) * random.nextGaussian();
        for (int j = 0; j < POLICIES; j++) {
          costs[j][i] = means[j] + shared + Math.sqrt(1 - SHARED) * random.nextGaussian();
        }
      }
      return new Trial(means, rewards, costs);
    }

    /** Returns the policy with the highest reward whose bound is at most 0; −1 if there is none. */
    int chosen(Rule rule, int testSize) {
      int best = -1;
      for (int j = 0; j < POLICIES; j++) {
        boolean better = best < 0 || rewards[j] > rewards[best];
        if (better && rule.bound(costs[j], testSize) <= 0) {
          best = j;
        }
      }
      return best;
    }
  }

  /** Counts what came of trials. */
  private static final class Tally {
    private final SafetyTest test =
        new SafetyTest(0, DELTA, BoundMethod.STUDENT_T, CostRange.UNBOUNDED);
    private int unsafeChosen;
    private int unsafeReturned;
    private int returned;
    private double reward;

    void count(Trial trial, Rule rule, int testSize, RandomGenerator random) {
      int chosen = trial.chosen(rule, testSize);
      if (chosen < 0) {
        return;
      }
      boolean unsafe = trial.means()[chosen] > 0;
      unsafeChosen += unsafe ? 1 : 0;
      double[] fresh = new double[testSize];
      for (int i = 0; i < testSize; i++) {
        fresh[i] = random.nextGaussian(trial.means()[chosen], 1);
      }
      if (test.decide(fresh) instanceof Passed) {
        returned++;
        reward += trial.rewards()[chosen];
        unsafeReturned += unsafe ? 1 : 0;
      }
    }

    Cell cell(Rule rule, int selectionSize, int testSize, int trials) {
      return new Cell(
          rule,
          selectionSize,
          testSize,
          trials,
          unsafeChosen,
          unsafeReturned,
          trials - returned,
          returned == 0 ? 0 : reward / returned);
    }
  }
}
