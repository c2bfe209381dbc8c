package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Which of many hypotheses are rejected, such that with probability at least 1 − α no true one is.
 */
public sealed interface MultipleTest {
  /**
   * Returns what is rejected.
   *
   * @param pValues shape [m], m ≥ 1, each 0 to 1: under a true hypothesis at most u with
   *     probability at most u; they may depend on each other in any way
   * @param alpha α, above 0, below 1
   * @return shape [m], a new array
   */
  boolean[] reject(double[] pValues, double alpha);

  /**
   * Tests in an order that was fixed before the data were seen, each at α/J, going on while it
   * rejects; from J places of the order, evenly apart.
   *
   * <p>Source: Bauer 1991; Angelopoulos et al. 2021 (Learn then Test), §2.2, arXiv:2110.01052. Each
   * start can only err at the first true hypothesis that it meets. It is as strong as one test
   * where the order is good and nothing at all where its first is hopeless, which is what further
   * starts are for.
   *
   * @param starts J ≥ 1
   */
  record FixedSequence(int starts) implements MultipleTest {
    /** Checks the range above. */
    public FixedSequence {
      Require.atLeast(starts, 1, "starts");
    }

    @Override
    public boolean[] reject(double[] pValues, double alpha) {
      check(pValues, alpha);
      boolean[] rejected = new boolean[pValues.length];
      for (int start = 0; start < starts; start++) {
        int from = (int) ((long) start * pValues.length / starts);
        for (int i = from; i < pValues.length && pValues[i] <= alpha / starts; i++) {
          rejected[i] = true;
        }
      }
      return rejected;
    }
  }

  /**
   * Tests from the smallest p-value up, the i-th of m at α/(m − i + 1), going on while it rejects.
   *
   * <p>Source: Holm 1979. It needs no order, and pays for every hypothesis.
   */
  record Holm() implements MultipleTest {
    @Override
    public boolean[] reject(double[] pValues, double alpha) {
      check(pValues, alpha);
      Integer[] order = new Integer[pValues.length];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, Comparator.comparingDouble(i -> pValues[i]));
      boolean[] rejected = new boolean[pValues.length];
      for (int i = 0; i < order.length; i++) {
        if (pValues[order[i]] > alpha / (order.length - i)) {
          break;
        }
        rejected[order[i]] = true;
      }
      return rejected;
    }
  }

  private static void check(double[] pValues, double alpha) {
    Require.probabilities(pValues, "pValues");
    Require.openProbability(alpha, "alpha");
  }
}
