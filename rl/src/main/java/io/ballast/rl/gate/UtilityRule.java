package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.OptionalDouble;

/**
 * Shows a suggestion if that is expected to save time.
 *
 * <pre>
 * gain(p) = p·(T_w − T_e) − T_v − τ
 * show ⇔ gain(p) &gt; 0 ⇔ p &gt; p* = (T_v + τ)/(T_w − T_e)
 * </pre>
 *
 * <p>Source: the ideal rule of Mozannar et al. 2024 (CDHF), arXiv:2306.04930, from first
 * principles; its own propositions could not be read. Where nothing is saved by accepting (T_w ≤
 * T_e) times say nothing of when to show, so everything is shown: they may be measured wrongly, and
 * a gate that hides everything would never learn better.
 *
 * @param verification T_v: reading a suggestion, seconds, ≥ 0
 * @param waiting τ: what a suggestion makes a person wait, seconds, ≥ 0
 * @param writing T_w: writing by hand what would be accepted, seconds, ≥ 0
 * @param editing T_e: editing after accepting, seconds, ≥ 0
 */
public record UtilityRule(double verification, double waiting, double writing, double editing) {
  /** Checks the ranges above. */
  public UtilityRule {
    Require.notNegative(verification, "verification");
    Require.notNegative(waiting, "waiting");
    Require.notNegative(writing, "writing");
    Require.notNegative(editing, "editing");
  }

  /** What showing is expected to save, seconds, with a probability of acceptance of 0 to 1. */
  public double gain(double acceptProbability) {
    Require.probability(acceptProbability, "acceptProbability");
    return acceptProbability * (writing - editing) - verification - waiting;
  }

  /** p*, ≥ 0; over 1 where even a certain acceptance saves nothing; empty where T_w ≤ T_e. */
  public OptionalDouble threshold() {
    return writing > editing
        ? OptionalDouble.of((verification + waiting) / (writing - editing))
        : OptionalDouble.empty();
  }

  /** Whether to show a suggestion with a probability of acceptance of 0 to 1. */
  public boolean shows(double acceptProbability) {
    return writing <= editing || gain(acceptProbability) > 0;
  }
}
