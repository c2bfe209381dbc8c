package io.ballast.safety.core.safetytest;

/**
 * The rule of a set of prompts, fixed with the first look at it.
 *
 * <p>m looks at δ/m each pass an unsafe candidate with probability at most δ together, whichever
 * candidates they are of, provided that what one look tells chooses no later candidate. So numbers
 * are kept back until the set closes, which it does at the first test that passes: up to then all
 * that anybody learns is that no test has passed, and that is one path, not a choice.
 *
 * <p>Source: Bonferroni; Thomas et al. 2019, Science 366 (one look); HC-RLHF, step 2.
 *
 * @param looks in all, 1 with REFUSE
 * @param totalDelta δ of all looks together, above 0, below 1
 */
public record LookRule(ReuseRule rule, int looks, double totalDelta) {
  /** δ of one look. */
  public double delta() {
    return totalDelta / looks;
  }
}
