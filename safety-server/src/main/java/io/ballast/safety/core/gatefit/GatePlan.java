package io.ballast.safety.core.gatefit;

import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import java.util.List;

/**
 * What a gate is to keep to, and how it is made.
 *
 * @param targetAccuracy ρ: at least this share of what is hidden would have been rejected, above 0,
 *     below 1
 * @param alpha the probability with which that may fail, above 0, below 1
 * @param independent what the promise takes as independent: users, or decisions where whoever asks
 *     knows that they are
 * @param readings whether stage 2 judges what stage 1 passes too: the readings that are tried, at
 *     least one
 * @param aim which of the rules that keep to it is taken
 * @param calibration how a log-odds becomes a probability
 * @param explorationShare of what would be hidden and is shown, 0 to 1
 * @param trees how trees are grown
 * @param seed of the split
 */
public record GatePlan(
    double targetAccuracy,
    double alpha,
    GateGuarantee.Unit independent,
    List<Boolean> readings,
    LearnThenTest.Aim aim,
    Calibration calibration,
    double explorationShare,
    TreeGrower.Options trees,
    long seed) {
  /** How a log-odds becomes a probability. */
  public enum Calibration {
    /** A logistic curve: two numbers, good for few examples. */
    PLATT,
    /** Any rising line: pool adjacent violators, for thousands of examples. */
    ISOTONIC
  }

  /** Checks the ranges above. */
  public GatePlan {
    readings = List.copyOf(readings);
    require(
        targetAccuracy > 0 && targetAccuracy < 1,
        "target accuracy",
        targetAccuracy,
        "above 0, below 1");
    require(alpha > 0 && alpha < 1, "alpha", alpha, "above 0, below 1");
    require(!readings.isEmpty(), "readings", readings, "at least one");
    require(
        explorationShare >= 0 && explorationShare <= 1, "exploration", explorationShare, "0 to 1");
    require(trees.rounds() >= 1, "rounds", trees.rounds(), "at least 1");
    require(trees.depth() >= 1 && trees.depth() <= 12, "depth", trees.depth(), "1 to 12");
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (expected: %s)".formatted(name, value, expected));
    }
  }
}
