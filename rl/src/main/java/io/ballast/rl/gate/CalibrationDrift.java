package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import io.ballast.rl.gate.ResidualBets.Residual;
import io.ballast.rl.preference.Calibration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Whether probabilities that meant what they said still do, by what users did who are independent,
 * while the outcomes of one resemble each other.
 *
 * <pre>
 * of the first 20 rows of each user:
 * in the large: the mean of y − p     Spiegelhalter: the mean of (y − p)(1 − 2p)
 * </pre>
 *
 * <p>Source: Spiegelhalter 1986; Cox 1958. The calibration error of few rows is large even where
 * probabilities are right: it says how much, these say whether. The first sees that acceptance rose
 * or fell, the second that probabilities are too bold or too shy.
 *
 * <p>Differs: neither is held to a normal distribution with the variance of independent rows, which
 * alarms far too often where users differ. Whether the sums of users are 0 on average is tested by
 * betting on each next user ({@link ResidualBets}), upwards and downwards, in an order of users
 * that is drawn from their names alone. It alarms with probability at most α where each p is right
 * given what came before, or where p is right by rows, as calibration makes it, and no user has
 * more than 20: whoever has 5 counts 5 times as much as who has one. Of more than 20 the first
 * count, so that few users do not decide alone; if those with more accept otherwise than those with
 * fewer, that is a residual too.
 *
 * @param rows n ≥ 1
 * @param users U, 1 to n
 * @param error expected calibration error over ten bins of all rows, 0 to 1
 * @param predicted the mean probability of all rows
 * @param observed the share of all rows that came true
 * @param inTheLarge the first statistic, −1 to 1
 * @param spiegelhalter the second, −1 to 1
 * @param chance at most with what probability calibrated probabilities come out so or worse, by
 *     Bonferroni over both and their two directions; 0 if one of exactly 0 or 1 was wrong
 * @param leastChance what that is never below with these users and probabilities, whatever comes;
 *     not that it can be so low
 */
public record CalibrationDrift(
    int rows,
    int users,
    double error,
    double predicted,
    double observed,
    double inTheLarge,
    double spiegelhalter,
    double chance,
    double leastChance) {
  private static final int BINS = 10;
  private static final int STATISTICS = 2;

  /** Seed of the order of users: any, as long as it is always the same. */
  private static final long ORDER = 1;

  /** Checks the ranges above. */
  public CalibrationDrift {
    Require.atLeast(rows, 1, "rows");
    Require.inRange(users, 1, rows, "users");
    Require.probability(error, "error");
    Require.probability(predicted, "predicted");
    Require.probability(observed, "observed");
    Require.inRange(inTheLarge, -1, 1, "inTheLarge");
    Require.inRange(spiegelhalter, -1, 1, "spiegelhalter");
    Require.probability(chance, "chance");
    Require.probability(leastChance, "leastChance");
  }

  /**
   * Measures the rows of a time, such as a week of one tenant.
   *
   * @param probabilities shape [n], n ≥ 1, each 0 to 1; of each user in the order in time
   * @param happened shape [n]
   * @param users shape [n], whose row it is; independent of each other
   */
  public static CalibrationDrift of(double[] probabilities, boolean[] happened, List<?> users) {
    double error = Calibration.expectedError(probabilities, happened, BINS);
    Require.sameLength(users.size(), probabilities.length, "users");
    Map<String, List<Residual>> large = new TreeMap<>();
    Map<String, List<Residual>> leaning = new TreeMap<>();
    double predicted = 0;
    double observed = 0;
    boolean impossible = false;
    for (int i = 0; i < probabilities.length; i++) {
      double p = probabilities[i];
      double came = happened[i] ? 1 : 0;
      String user = String.valueOf(users.get(i));
      large.computeIfAbsent(user, name -> new ArrayList<>()).add(residual(p, came, 1));
      leaning.computeIfAbsent(user, name -> new ArrayList<>()).add(residual(p, came, 1 - 2 * p));
      predicted += p / probabilities.length;
      observed += came;
      impossible |= Math.abs(came - p) == 1;
    }
    ResidualBets ofLarge = bets(large);
    ResidualBets ofLeaning = bets(leaning);
    double pValue = Math.min(ofLarge.pValue(), ofLeaning.pValue());
    double least = Math.min(ofLarge.leastPValue(), ofLeaning.leastPValue());
    return new CalibrationDrift(
        probabilities.length,
        large.size(),
        error,
        Math.clamp(predicted, 0, 1),
        observed / probabilities.length,
        ofLarge.mean(),
        ofLeaning.mean(),
        impossible ? 0 : Math.min(1, STATISTICS * pValue),
        Math.min(1, STATISTICS * least));
  }

  /** By name, then shuffled: who came first, or is named first, says nothing of the order. */
  private static ResidualBets bets(Map<String, List<Residual>> byUser) {
    List<List<Residual>> users = new ArrayList<>(byUser.values());
    Collections.shuffle(users, Random.from(new SplittableRandom(ORDER)));
    return new ResidualBets(users);
  }

  private static Residual residual(double probability, double came, double weight) {
    double ifNot = -probability * weight;
    double ifSo = (1 - probability) * weight;
    double low = Math.min(ifNot, ifSo);
    double high = Math.max(ifNot, ifSo);
    return new Residual(Math.clamp((came - probability) * weight, low, high), low, high);
  }

  /**
   * Whether calibrated probabilities would hardly have come out so: with probability at most α in
   * one look.
   *
   * @param alpha α, above 0, below 1; of many tenants and weeks each needs its part of it
   */
  public boolean drifted(double alpha) {
    return chance <= Require.openProbability(alpha, "alpha");
  }

  /**
   * Whether so few users could not alarm at α, whatever they did. Of a few more that may be so too.
   */
  public boolean tooFewUsers(double alpha) {
    return leastChance > Require.openProbability(alpha, "alpha") && !drifted(alpha);
  }
}
