package io.ballast.rl.selection;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be estimated of best of n.
 *
 * @param ns the n to estimate, each ≥ 1, ascending, at least one
 * @param fitUpTo the greatest n that the fit uses; 0: all of {@code ns}
 * @param resamples bootstrap samples of the prompts, ≥ 100
 * @param confidence of the intervals, above 0, below 1
 */
public record BestOfNPlan(List<Integer> ns, int fitUpTo, int resamples, double confidence) {
  /** Checks the ranges above. */
  public BestOfNPlan {
    ns = List.copyOf(ns);
    Require.atLeast(ns.size(), 1, "ns.size");
    for (int i = 0; i < ns.size(); i++) {
      Require.atLeast(ns.get(i), i == 0 ? 1 : ns.get(i - 1) + 1, "ns[" + i + "]");
    }
    Require.atLeast(fitUpTo, 0, "fitUpTo");
    Require.atLeast(resamples, GoldFits.LEAST_RESAMPLES, "resamples");
    Require.openProbability(confidence, "confidence");
  }

  /** Returns 1, 2, 4, … up to {@code poolSize}, which is ≥ 1. */
  public static List<Integer> powersOfTwo(int poolSize) {
    Require.atLeast(poolSize, 1, "poolSize");
    List<Integer> ns = new ArrayList<>();
    for (long n = 1; n <= poolSize; n *= 2) {
      ns.add((int) n);
    }
    return List.copyOf(ns);
  }
}
