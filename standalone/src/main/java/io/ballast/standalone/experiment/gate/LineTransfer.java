package io.ballast.standalone.experiment.gate;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateEvidence;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateGrid;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.rl.gate.MultipleTest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Whether lines that are drawn on ten programmers keep to their target on the eleven others: the
 * best of many by what was seen of it, beside those of Learn then Test. Of the ten, for the latter,
 * five fix the rules and five decide: too few to prove anything of programmers, so that its lines
 * are measured, as if the decisions of one were independent.
 */
final class LineTransfer {
  private static final double[] LINE_SHARES = {
    0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7
  };
  private static final double[] SURE_SHARES = {0, 0.1, 0.25, 0.5, 0.75};
  private static final double ALPHA = 0.1;
  private static final int DRAWN_ON = 10;
  private static final int FIXED_ON = 5;

  private final UnseenUsers unseen;
  private final int splits;

  LineTransfer(UnseenUsers unseen, int splits) {
    this.unseen = unseen;
    this.splits = splits;
  }

  /**
   * What one target gave.
   *
   * @param target ρ
   * @param seen the best rules by what was seen, on programmers who drew nothing, one a split
   * @param tested the same of rules that Learn then Test passes by decisions; empty where none does
   * @param proven in how many splits it proves one by programmers
   * @param least how many programmers could prove one at the least
   */
  record Outcome(
      double target,
      List<GateCounts> seen,
      List<Optional<GateCounts>> tested,
      int proven,
      int least) {
    /** The share hidden of all examples of all splits. */
    static double hidden(List<GateCounts> counts) {
      return share(counts.stream().mapToLong(GateCounts::hidden).sum(), counts);
    }

    /** The share that was not even generated. */
    static double notGenerated(List<GateCounts> counts) {
      return share(counts.stream().mapToLong(GateCounts::notGenerated).sum(), counts);
    }

    /** Of what was hidden in any split, the share that was rejected; NaN: nothing was hidden. */
    static double accuracy(List<GateCounts> counts) {
      double hidden = counts.stream().mapToLong(GateCounts::hidden).sum();
      double accepted = counts.stream().mapToLong(GateCounts::accepted).sum();
      return (hidden - accepted) / hidden;
    }

    /**
     * The share of the splits with lines in which less than ρ of what was hidden was rejected; NaN:
     * there were none.
     */
    double broken(List<GateCounts> counts) {
      double broken =
          counts.stream()
              .filter(c -> c.hidden() > 0 && c.hidden() - c.accepted() < target * c.hidden())
              .count();
      return broken / counts.size();
    }

    int splits() {
      return seen.size();
    }

    /** Those that pass by decisions, where there were any. */
    List<GateCounts> found() {
      return tested.stream().flatMap(Optional::stream).toList();
    }

    private static double share(long part, List<GateCounts> counts) {
      long all = counts.stream().mapToLong(GateCounts::examples).sum();
      return all == 0 ? 0 : (double) part / all;
    }
  }

  /** Draws lines and measures them. */
  Outcome at(double target) {
    SplittableRandom random = new SplittableRandom(31);
    List<GateCounts> seen = new ArrayList<>();
    List<Optional<GateCounts>> tested = new ArrayList<>();
    int proven = 0;
    int least = 0;
    for (int split = 0; split < splits; split++) {
      List<String> users = new ArrayList<>(unseen.users());
      Collections.shuffle(users, Random.from(random.split()));
      List<GateExample> others = unseen.examples(users.subList(DRAWN_ON, users.size()));
      List<GateExample> drawn = unseen.examples(users.subList(0, DRAWN_ON));
      seen.add(GateCounts.of(best(grid(drawn, target), drawn, target), others));
      GateEvidence deciding = unseen.evidence(users.subList(FIXED_ON, DRAWN_ON));
      CertifiedGate found =
          new LearnThenTest(
                  target, ALPHA, new MultipleTest.FixedSequence(1), LearnThenTest.Aim.MOST_HIDDEN)
              .choose(grid(unseen.examples(users.subList(0, FIXED_ON)), target), deciding);
      proven += found instanceof CertifiedGate.Certified ? 1 : 0;
      least = deciding.least(target, ALPHA);
      tested.add(
          found instanceof CertifiedGate.Infeasible
              ? Optional.empty()
              : Optional.of(GateCounts.of(found.served(), others)));
    }
    return new Outcome(target, seen, tested, proven, least);
  }

  private static GateGrid grid(List<GateExample> examples, double target) {
    return GateGrid.of(examples, SURE_SHARES, LINE_SHARES, List.of(false), target);
  }

  /** The rule that hides most of those that kept to the target on the very examples. */
  private static CascadeRule best(GateGrid grid, List<GateExample> examples, double target) {
    CascadeRule best = CascadeRule.open();
    int most = 0;
    for (CascadeRule rule : grid.rules()) {
      GateCounts counts = GateCounts.of(rule, examples);
      boolean keeps = counts.hidden() - counts.accepted() >= target * counts.hidden();
      if (keeps && counts.hidden() > most) {
        best = rule;
        most = counts.hidden();
      }
    }
    return best;
  }
}
