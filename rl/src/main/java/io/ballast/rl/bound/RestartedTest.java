package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * A test that the mean of a stream is at most m at all times, which also sees soon that it has
 * become more: a {@link BettingTest} begins with every b values, and their wealth is counted
 * together, so that what an early one lost on a long good stretch is not what a later one has to
 * win back.
 *
 * <pre>
 * Mₜ = Σⱼ≤ₖ wⱼ·K⁽ʲ⁾ₜ + Σⱼ&gt;ₖ wⱼ,  wⱼ = 1/(j·(j + 1)),  k = ⌈t/b⌉
 * rejects ⇔ maxₜ Mₜ ≥ 1/α
 * </pre>
 *
 * <p>Each K⁽ʲ⁾ is 1 until it begins and a wealth of a fair or losing game from then on, so their
 * mean by weights is too: if each next value is at most m on average given what came before, it
 * ever rejects with probability at most α (Ville 1939). A change after j·b values costs ln(j·(j +
 * 1)) more than it would at the beginning. Source: Waudby-Smith and Ramdas 2024, §4,
 * arXiv:2010.09686, of each; Shin, Ramdas and Rinaldo 2022, arXiv:2203.03532, of restarts. Differs:
 * weights that sum to 1, where the paper sums with weights of 1, so that α is of the whole stream
 * and not of a time to the first false alarm; only the 64 tests of the greatest wealth by weight go
 * on, and none whose wealth is nothing any more. To let one go only lowers Mₜ, so α holds, and a
 * value costs at most 65 steps however long the stream is. Immutable.
 *
 * @param mean m, above 0, below 1
 * @param alpha α, above 0, below 1
 * @param every b ≥ 1
 * @param count t ≥ 0
 * @param running those that go on, at most 64, the oldest first
 * @param highestLogWealth the logarithm of maxₜ Mₜ, at least 0
 */
public record RestartedTest(
    double mean,
    double alpha,
    int every,
    int count,
    List<Started> running,
    double highestLogWealth) {
  /** A wealth of less than e⁻⁵⁰ is nothing. */
  private static final double NOTHING = -50;

  private static final int MOST_RUNNING = 64;

  /** Checks the ranges above. */
  public RestartedTest {
    Require.openProbability(mean, "mean");
    Require.openProbability(alpha, "alpha");
    Require.atLeast(every, 1, "every");
    Require.atLeast(count, 0, "count");
    Require.notNegative(highestLogWealth, "highestLogWealth");
    running = List.copyOf(running);
  }

  /**
   * One test.
   *
   * @param number j ≥ 1
   */
  public record Started(int number, BettingTest test) {
    /** Checks the ranges above. */
    public Started {
      Require.atLeast(number, 1, "number");
    }

    /** ln(wⱼ·K⁽ʲ⁾). */
    private double logShare() {
      return test.logWealth() - Math.log(number) - Math.log1p(number);
    }
  }

  /**
   * A test that has seen nothing yet.
   *
   * @param mean m, above 0, below 1
   * @param alpha α, above 0, below 1
   * @param every b ≥ 1: how many values come between two beginnings
   */
  public static RestartedTest of(double mean, double alpha, int every) {
    return new RestartedTest(mean, alpha, every, 0, List.of(), 0);
  }

  /** Returns the test after {@code value}, 0 to 1. */
  public RestartedTest add(double value) {
    List<Started> all = new ArrayList<>(running);
    int begun = count / every + 1;
    if (count % every == 0) {
      all.add(new Started(begun, BettingTest.of(mean, alpha)));
    }
    all.replaceAll(each -> new Started(each.number(), each.test().add(value)));
    all.removeIf(each -> each.logShare() < NOTHING);
    if (all.size() > MOST_RUNNING) { // by one
      all.remove(Collections.min(all, Comparator.comparingDouble(Started::logShare)));
    }
    return new RestartedTest(
        mean, alpha, every, count + 1, all, Math.max(highestLogWealth, logWealth(all, begun)));
  }

  /** ln Mₜ: what has not begun has the weight 1/(k + 1) together. */
  private static double logWealth(List<Started> running, int begun) {
    double waiting = -Math.log1p(begun);
    double most = running.stream().mapToDouble(Started::logShare).reduce(waiting, Math::max);
    double sum = Math.exp(waiting - most);
    for (Started each : running) {
      sum += Math.exp(each.logShare() - most);
    }
    return most + Math.log(sum);
  }

  /**
   * Whether the mean is, or was at some time, more than m, at confidence 1 − α; once true, true for
   * ever.
   */
  public boolean rejects() {
    return highestLogWealth >= -Math.log(alpha);
  }
}
