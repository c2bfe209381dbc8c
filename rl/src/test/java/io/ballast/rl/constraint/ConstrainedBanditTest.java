package io.ballast.rl.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A bandit with known rewards and costs: the multiplier must find the price at which the
 * KL-regularised optimum π ∝ π_ref·exp((R − λC)/β) costs just the budget.
 */
class ConstrainedBanditTest {
  private static final double[] REWARD = {1, .8, .6, .5, .3, .1};
  private static final double[] COST = {2, .5, -.2, .1, -1, -1.5};

  @ParameterizedTest
  @CsvSource({
    ".05, 0, .283600, .643207",
    ".10, 0, .264136, .617136",
    ".20, 0, .256493, .588056",
    ".05, -.5, .348903, .473587",
    ".10, -.5, .351679, .461493",
    ".20, -.5, .381875, .445208"
  })
  void trainingFindsTheConstrainedOptimum(
      double beta, double budget, double expectedLambda, double expectedReward) {
    double[] logits = new double[6];
    ConstraintMultiplier multiplier = new LogLagrangeMultiplier(1, .01, 1e-6, 100);
    CostBuffer window = CostBuffer.ofCapacity(8);
    double[] policy = softmax(logits);
    for (int step = 0; step < 60_000; step++) {
      policy = softmax(logits);
      window = window.add(expectation(policy, COST));
      multiplier = multiplier.step(window.mean(), budget);
      double[] returns = new double[6];
      for (int arm = 0; arm < 6; arm++) {
        returns[arm] =
            (REWARD[arm]
                    - multiplier.lambda() * COST[arm]
                    - beta * (Math.log(policy[arm]) - Math.log(1 / 6.0)))
                / (1 + multiplier.lambda());
      }
      double mean = expectation(policy, returns);
      for (int arm = 0; arm < 6; arm++) {
        logits[arm] += .05 * policy[arm] * (returns[arm] - mean);
      }
    }
    assertThat(expectation(policy, COST)).isCloseTo(budget, within(1e-3));
    assertThat(multiplier.lambda()).isCloseTo(expectedLambda, within(1e-3));
    assertThat(expectation(policy, REWARD)).isCloseTo(expectedReward, within(1e-3));
  }

  private static double expectation(double[] policy, double[] values) {
    double sum = 0;
    for (int arm = 0; arm < 6; arm++) {
      sum += policy[arm] * values[arm];
    }
    return sum;
  }

  private static double[] softmax(double[] logits) {
    double max = Arrays.stream(logits).max().orElseThrow();
    double[] e = Arrays.stream(logits).map(x -> Math.exp(x - max)).toArray();
    double sum = Arrays.stream(e).sum();
    return Arrays.stream(e).map(x -> x / sum).toArray();
  }
}
