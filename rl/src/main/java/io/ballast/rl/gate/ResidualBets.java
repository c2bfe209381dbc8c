package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * Tests whether the residuals of users who are independent add up to 0 on average, by betting on
 * each next user, once that it is more and once that it is less.
 *
 * <pre>
 * of a user u with residuals r₁, r₂, …:  v_u = Σ rᵢ over i ≤ 20, while Σ −lowᵢ ≤ B_u
 * B_u = the most that Σ −lowᵢ came to of one of the users before, at least −low₁ of u
 * Kₜ = Πᵤ≤ₜ (1 + λᵤ·v_u),  λᵤ = min(√(2·ln(1/δ)/(n·σ̂²ᵤ₋₁)), ¾/B_u)
 * σ̂²ᵤ = (v̄ + Σᵢ≤ᵤ vᵢ²)/(u + 1),  v̄ = −low₁·high₁ of the first user
 * p = min(1, 2·min over both directions of 1/maxₜ Kₜ)
 * </pre>
 *
 * <p>Source: Waudby-Smith and Ramdas 2024, §4, arXiv:2010.09686; Ville 1939. Differs from {@link
 * io.ballast.rl.bound.BettingBounds}: a user's value is a sum, of which it is decided before each
 * residual whether it counts. So p ≤ α with probability at most α where each residual is 0 on
 * average given all before it, however a user's own are alike, and whatever makes users stop; and
 * where the sums of users are. Whoever has more than 20 counts as one with 20.
 *
 * @param users n ≥ 1, in an order that does not depend on them; of each the residuals in the order
 *     in which they came, at least one
 */
record ResidualBets(List<List<Residual>> users) {
  /** How many residuals of a user count at the most. */
  static final int MOST_OF_ONE = 20;

  private static final double MOST_LOST = 0.75;
  private static final double AIM = 0.001;

  /** What sums of the same numbers in another order may differ by. */
  private static final double ROUNDING = 1e-9;

  /**
   * A residual.
   *
   * @param value low to high
   * @param low the least that it could be, at most 0, known before it came
   * @param high the most that it could be, at least 0, known before it came
   */
  record Residual(double value, double low, double high) {
    private Residual mirrored() {
      return new Residual(-value, -high, -low);
    }
  }

  /**
   * What is bet on of a user.
   *
   * @param value the sum of what counts
   * @param high the most that it could be
   * @param budget the most that it could be below 0
   */
  private record Counted(double value, double high, double budget) {}

  /** Copies the lists. */
  ResidualBets {
    users = users.stream().map(List::copyOf).toList();
    Require.atLeast(users.size(), 1, "users");
    for (int u = 0; u < users.size(); u++) {
      Require.atLeast(users.get(u).size(), 1, "users[" + u + "]");
    }
  }

  /** The mean of the first 20 residuals of each user. */
  double mean() {
    return users.stream()
        .flatMap(own -> own.stream().limit(MOST_OF_ONE))
        .mapToDouble(Residual::value)
        .average()
        .orElseThrow();
  }

  /** p, above 0, at most 1. */
  double pValue() {
    return twoSided(
        Math.max(logWealth(users, counted(users)), logWealth(mirrored(), counted(mirrored()))));
  }

  /** What p is never below with users who have so many residuals, each of these ranges. */
  double leastPValue() {
    return twoSided(Math.max(mostLogWealth(counted(users)), mostLogWealth(counted(mirrored()))));
  }

  private List<List<Residual>> mirrored() {
    return users.stream().map(own -> own.stream().map(Residual::mirrored).toList()).toList();
  }

  private static double twoSided(double logWealth) {
    return Math.clamp(2 * Math.exp(-logWealth), Double.MIN_VALUE, 1);
  }

  private static List<Counted> counted(List<List<Residual>> users) {
    double before = 0;
    List<Counted> counted = new ArrayList<>();
    for (List<Residual> own : users) {
      double budget = Math.max(before, -own.getFirst().low());
      double value = 0;
      double high = 0;
      double below = 0;
      boolean counts = true;
      for (Residual each : own.subList(0, Math.min(MOST_OF_ONE, own.size()))) {
        below -= each.low();
        counts &= below <= budget + ROUNDING;
        value += counts ? each.value() : 0;
        high += counts ? each.high() : 0;
      }
      counted.add(new Counted(value, high, budget));
      before = Math.max(budget, below);
    }
    return counted;
  }

  /** The logarithm of the most that who bets on more than 0 ever has. */
  private static double logWealth(List<List<Residual>> users, List<Counted> counted) {
    int n = users.size();
    Residual first = users.getFirst().getFirst();
    double squares = -first.low() * first.high();
    double wealth = 0;
    double most = 0;
    for (int u = 0; u < n; u++) {
      Counted own = counted.get(u);
      double variance = squares / (u + 1);
      if (variance > 0 && own.budget() > 0) {
        double stake = Math.sqrt(-2 * Math.log(AIM) / (n * variance));
        wealth += Math.log1p(Math.min(stake, MOST_LOST / own.budget()) * own.value());
        most = Math.max(most, wealth);
      }
      squares += own.value() * own.value();
    }
    return most;
  }

  /** What that is never above: the greatest stake on the greatest sums. */
  private static double mostLogWealth(List<Counted> counted) {
    return counted.stream()
        .filter(own -> own.budget() > 0)
        .mapToDouble(own -> Math.log1p(MOST_LOST / own.budget() * own.high()))
        .sum();
  }
}
