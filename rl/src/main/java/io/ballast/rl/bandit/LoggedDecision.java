package io.ballast.rl.bandit;

import io.ballast.rl.check.Require;

/**
 * A decision that was taken with a known probability, and what another policy would have done.
 *
 * @param cluster what makes decisions alike, such as the user; equal keys, one cluster
 * @param propensity μ(a|x): how probable the action taken was, above 0, at most 1
 * @param reward r of the action taken, finite; for a display gate 1 if shown and accepted, else 0
 * @param candidate π(a|x): how probable the candidate would take the same action, 0 to 1
 * @param expected q̂(x, a): what a model expects of the action taken, finite
 * @param candidateExpected Σₐ π(a|x)·q̂(x, a): what it expects of the candidate, finite
 */
public record LoggedDecision(
    Object cluster,
    double propensity,
    double reward,
    double candidate,
    double expected,
    double candidateExpected) {
  /** Checks the ranges above. */
  public LoggedDecision {
    Require.inRange(propensity, Double.MIN_VALUE, 1, "propensity");
    Require.finite(reward, "reward");
    Require.probability(candidate, "candidate");
    Require.finite(expected, "expected");
    Require.finite(candidateExpected, "candidateExpected");
  }

  /** A decision of which no model expects anything: enough for what needs none. */
  public static LoggedDecision unmodelled(
      Object cluster, double propensity, double reward, double candidate) {
    return new LoggedDecision(cluster, propensity, reward, candidate, 0, 0);
  }

  /** w = π(a|x)/μ(a|x). */
  public double weight() {
    return candidate / propensity;
  }
}
