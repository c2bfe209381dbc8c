package io.ballast.rl.gate;

import io.ballast.rl.bound.BettingBounds;
import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Suggestions whose outcome is known, with what is independent among them. */
public sealed interface GateEvidence {
  /** All of them, at least one. */
  List<GateExample> examples();

  /** What is taken as independent. */
  GateGuarantee.Unit unit();

  /** How many of those there are, ≥ 1. */
  int units();

  /**
   * Whether all that was decided is there, or left by a chance that is the same for each unit. What
   * is not can be measured; nothing is proven by it.
   */
  boolean whole();

  /** How many of those had something hidden by {@code rule}. */
  int unitsHidden(CascadeRule rule);

  /**
   * How likely so few accepted ones among the hidden would be if less than ρ of them were rejected;
   * 1 where nothing is hidden.
   *
   * @param rule fixed before these were seen
   * @param targetAccuracy ρ, above 0, below 1
   * @param alpha α of the test, above 0, below 1
   */
  double pValue(CascadeRule rule, double targetAccuracy, double alpha);

  /**
   * The least number of units with which anything can be proven: so many from which something is
   * hidden, and no accepted one among it.
   */
  int least(double targetAccuracy, double alpha);

  /**
   * Independent decisions, such as one of each user, or of positions of which the caller knows it.
   *
   * <pre>p = P[Bin(hidden, 1 − ρ) ≤ accepted]</pre>
   *
   * @param examples at least one
   */
  record Decisions(List<GateExample> examples) implements GateEvidence {
    /** Copies the list. */
    public Decisions {
      examples = List.copyOf(examples);
      Require.atLeast(examples.size(), 1, "examples");
    }

    @Override
    public GateGuarantee.Unit unit() {
      return GateGuarantee.Unit.DECISION;
    }

    @Override
    public int units() {
      return examples.size();
    }

    @Override
    public boolean whole() {
      return true;
    }

    @Override
    public int unitsHidden(CascadeRule rule) {
      return GateCounts.of(rule, examples).hidden();
    }

    @Override
    public double pValue(CascadeRule rule, double targetAccuracy, double alpha) {
      return GateCounts.of(rule, examples).pValue(targetAccuracy);
    }

    @Override
    public int least(double targetAccuracy, double alpha) {
      return exactLeast(targetAccuracy, alpha);
    }
  }

  /**
   * Decisions of users who are independent, while those of one are alike.
   *
   * <pre>
   * x_u = rejected_u/hidden_u of each user u from whom something is hidden
   * H: E[x_u] &lt; ρ,  p = 1/maxₜ Πᵤ≤ₜ (1 + λᵤ·(x_u − ρ))
   * </pre>
   *
   * <p>The p-value is that of {@linkplain BettingBounds#pValue betting} on the users' shares, which
   * holds for every distribution of them; where each user has one decision it is the binomial one,
   * which is exact.
   *
   * <p>A bet depends on the order of users, so that it must not be theirs: not who came first, nor
   * whom a file names first. {@link #shuffled} sees to that.
   *
   * @param groups the examples of each user, in an order that does not depend on what they did; at
   *     least one, none empty
   * @param whole whether all decisions of each user are there. Where each was left by chance, users
   *     of whom much is hidden are left more often than others, and the mean over those who are
   *     left is not that over users
   */
  record Groups(List<List<GateExample>> groups, boolean whole) implements GateEvidence {
    /** Copies the lists. */
    public Groups {
      groups = groups.stream().map(List::copyOf).toList();
      Require.atLeast(groups.size(), 1, "groups");
      for (int g = 0; g < groups.size(); g++) {
        Require.atLeast(groups.get(g).size(), 1, "groups[" + g + "]");
      }
    }

    /** Whole ones, in an order that does not depend on what they did. */
    public Groups(List<List<GateExample>> groups) {
      this(groups, true);
    }

    /**
     * Puts users in an order that is drawn.
     *
     * @param byUser the examples of each, by name; at least one, none empty
     * @param seed of the order, chosen before they were seen
     */
    public static Groups shuffled(Map<String, List<GateExample>> byUser, boolean whole, long seed) {
      List<List<GateExample>> groups = new ArrayList<>(new TreeMap<>(byUser).values());
      Collections.shuffle(groups, Random.from(new SplittableRandom(seed)));
      return new Groups(groups, whole);
    }

    @Override
    public List<GateExample> examples() {
      return groups.stream().flatMap(List::stream).toList();
    }

    @Override
    public GateGuarantee.Unit unit() {
      return GateGuarantee.Unit.GROUP;
    }

    @Override
    public int units() {
      return groups.size();
    }

    @Override
    public int unitsHidden(CascadeRule rule) {
      return shares(rule).length;
    }

    @Override
    public double pValue(CascadeRule rule, double targetAccuracy, double alpha) {
      if (oneEach()) {
        return GateCounts.of(rule, examples()).pValue(targetAccuracy);
      }
      double[] shares = shares(rule);
      return shares.length == 0 ? 1 : BettingBounds.pValue(shares, targetAccuracy, alpha);
    }

    @Override
    public int least(double targetAccuracy, double alpha) {
      int least = exactLeast(targetAccuracy, alpha);
      return oneEach() ? least : leastBet(least, targetAccuracy, alpha);
    }

    /** Bets never lose less than the exact test needs, so that the search starts there. */
    private static int leastBet(int from, double targetAccuracy, double alpha) {
      int users = from;
      double[] all = new double[users];
      Arrays.fill(all, 1);
      while (BettingBounds.pValue(all, targetAccuracy, alpha) > alpha) {
        users += Math.max(1, users / 100);
        all = new double[users];
        Arrays.fill(all, 1);
      }
      return users;
    }

    private boolean oneEach() {
      return groups.stream().allMatch(group -> group.size() == 1);
    }

    private double[] shares(CascadeRule rule) {
      return groups.stream()
          .map(group -> GateCounts.of(rule, group))
          .filter(counts -> counts.hidden() > 0)
          .mapToDouble(counts -> (double) (counts.hidden() - counts.accepted()) / counts.hidden())
          .toArray();
    }
  }

  private static int exactLeast(double targetAccuracy, double alpha) {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    Require.openProbability(alpha, "alpha");
    return (int) Math.ceil(Math.log(alpha) / Math.log(targetAccuracy));
  }
}
