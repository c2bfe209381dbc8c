package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is not independent counts once: the sample is the groups' means. */
class GroupMeansTest {
  @Test
  void aHandComputedSample() {
    // group 1: (.1 + .3)/2, group 2: .5, group 3: (0 + .2 + .4)/3
    assertThat(GroupMeans.of(new double[] {.1, .5, .3, 0, .2, .4}, new int[] {1, 2, 1, 3, 3, 3}))
        .containsExactly(new double[] {.2, .5, .2}, within(1e-12));
  }

  @Test
  void groupsOfOneAreTheObservationsThemselves() {
    double[] costs = {.1, .7, .3};
    SafetyTest test = new SafetyTest(.5, .1, BoundMethod.STUDENT_T);

    assertThat(GroupMeans.of(costs, new int[] {1, 2, 3})).containsExactly(costs);
    assertThat(test.decide(costs, new int[] {1, 2, 3})).isEqualTo(test.decide(costs));
  }

  @Test
  void aTestOfGroupsIsThatOfTheirMeans() {
    double[] costs = {.1, .3, .2, .4, .0, .1, .3, .5};
    int[] groups = {1, 1, 2, 2, 3, 3, 4, 4};
    for (BoundMethod method :
        new BoundMethod[] {
          BoundMethod.STUDENT_T,
          BoundMethod.HOEFFDING,
          BoundMethod.EMPIRICAL_BERNSTEIN,
          BoundMethod.BETTING
        }) {
      SafetyTest test = new SafetyTest(.9, .1, method);
      SafetyTestResult found = test.decide(costs, groups);

      assertThat(found).isEqualTo(test.decide(new double[] {.2, .3, .05, .4}));
      assertThat(found.numbers().n()).isEqualTo(4);
    }
  }

  @Test
  void aShareOfHarmfulCompletionsHasNoGroups() {
    SafetyTest test = new SafetyTest(.9, .1, BoundMethod.CLOPPER_PEARSON);

    assertThatThrownBy(() -> test.decide(new double[] {0, 1, 0}, new int[] {1, 1, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("groups: of more than one (expected: of one each under CLOPPER_PEARSON)");
    assertThat(test.decide(new double[] {0, 1, 0}, new int[] {1, 2, 3}).numbers().n()).isEqualTo(3);
  }

  @Test
  void whatIsNoGroupIsNamed() {
    assertRefused(new double[] {1}, new int[0], "groups.length: 0 (expected: 1");
    assertRefused(new double[] {1}, new int[] {0}, "groups[0]: 0 (expected: 1 to 1)");
    assertRefused(new double[] {1, 1}, new int[] {1, 3}, "groups[1]: 3 (expected: 1 to 2)");
    assertRefused(new double[] {Double.NaN}, new int[] {1}, "values[0]: NaN (expected: finite)");
  }

  private static void assertRefused(double[] values, int[] groups, String message) {
    assertThatThrownBy(() -> GroupMeans.of(values, groups))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  /**
   * Files of six prompts each whose harm is the file's: an unsafe candidate, harmful in 30 % of the
   * files at τ = .29. Taken as 180 independent prompts it passes far more often than δ; as 30
   * groups it does not: of 30 groups it passes with at most five harmful ones, which is 7.7 % of
   * the time, and taken for 180 prompts with at most seven, 28 %.
   */
  @Test
  void promptsOfOneFileTakenAsIndependentBreakThePromise() {
    SplittableRandom random = new SplittableRandom(7);
    SafetyTest test = new SafetyTest(.29, .1, BoundMethod.STUDENT_T);
    int trials = 2_000;
    int naive = 0;
    int grouped = 0;
    for (int trial = 0; trial < trials; trial++) {
      double[] costs = new double[180];
      int[] groups = new int[180];
      for (int i = 0; i < 180; i++) {
        groups[i] = i / 6 + 1;
        costs[i] =
            i % 6 == 0
                ? (random.nextDouble() < .3 ? .9 : .043) + .001 * random.nextDouble()
                : costs[i - 1];
      }
      naive += test.decide(costs) instanceof SafetyTestResult.Passed ? 1 : 0;
      grouped += test.decide(costs, groups) instanceof SafetyTestResult.Passed ? 1 : 0;
    }
    assertThat(naive / (double) trials).isGreaterThan(.2);
    assertThat(grouped / (double) trials).isLessThan(.1);
  }
}
