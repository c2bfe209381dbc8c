package io.ballast.rl.stats;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Says when a reward is optimised past what it can be believed for: its members have come apart, or
 * it has left behind what it stands for. Immutable: an observation returns the next state.
 *
 * <pre>
 * spread growth  spreadₜ / spread₀
 * gap            (proxyₜ − goldₜ) − (proxy₀ − gold₀)
 * </pre>
 *
 * <p>Source: Coste et al. 2024, arXiv:2310.02743, figure 10: under a mean the members' variance
 * grows threefold, so their spread 1.7-fold, and with an uncertainty-weighted reward the variance
 * by a fifth; Gao et al. 2023, arXiv:2210.10760: proxy and gold are measured from their means under
 * the first policy. Where gold is measured later than the proxy is, the gap is measured from there
 * on: both means must be of one iteration.
 *
 * @param maxSpreadGrowth times the first spread, ≥ 1; a first spread of 0 is outgrown by any
 * @param maxGap in the rewards' unit, ≥ 0
 * @param patience how many observations in a row must be over a limit, ≥ 1; one without a spread or
 *     without gold is neither over that limit nor within
 * @param firstSpread the first spread seen
 * @param firstGap proxy less gold when gold was first seen
 * @param spreadOver observations in a row, up to now, with the spread over its limit, ≥ 0
 * @param gapOver the same of the gap, ≥ 0
 */
public record OveroptimisationMonitor(
    double maxSpreadGrowth,
    double maxGap,
    int patience,
    OptionalDouble firstSpread,
    OptionalDouble firstGap,
    int spreadOver,
    int gapOver) {
  /** Checks the ranges above. */
  public OveroptimisationMonitor {
    Require.inRange(maxSpreadGrowth, 1, Double.MAX_VALUE, "maxSpreadGrowth");
    Require.notNegative(maxGap, "maxGap");
    Require.atLeast(patience, 1, "patience");
    firstSpread.ifPresent(value -> Require.notNegative(value, "firstSpread"));
    firstGap.ifPresent(value -> Require.finite(value, "firstGap"));
    Require.atLeast(spreadOver, 0, "spreadOver");
    Require.atLeast(gapOver, 0, "gapOver");
  }

  /** Returns a monitor that has seen nothing. */
  public static OveroptimisationMonitor watching(
      double maxSpreadGrowth, double maxGap, int patience) {
    return new OveroptimisationMonitor(
        maxSpreadGrowth, maxGap, patience, OptionalDouble.empty(), OptionalDouble.empty(), 0, 0);
  }

  /**
   * What an observation led to.
   *
   * @param next the monitor from now on
   * @param alarms in the order of {@link AlarmKind}; maybe none
   */
  public record Observed(OveroptimisationMonitor next, List<Alarm> alarms) {
    /** Copies the list. */
    public Observed {
      alarms = List.copyOf(alarms);
    }
  }

  /** Returns the state after {@code now}, and the alarms that it raises. */
  public Observed observe(RewardVitals now) {
    List<Alarm> alarms = new ArrayList<>();
    OptionalDouble spread0 = firstSpread;
    int spreadRun = spreadOver;
    if (now.spread().isPresent()) {
      double spread = now.spread().getAsDouble();
      spread0 = OptionalDouble.of(firstSpread.orElse(spread));
      double limit = Math.min(Double.MAX_VALUE, maxSpreadGrowth * spread0.getAsDouble());
      spreadRun = run(spreadOver, spread > limit);
      if (spreadRun >= patience) {
        alarms.add(new Alarm(AlarmKind.SPREAD_GREW, spread, limit));
      }
    }
    OptionalDouble gap0 = firstGap;
    int gapRun = gapOver;
    if (now.gold().isPresent()) {
      double gap = now.proxy() - now.gold().getAsDouble();
      gap0 = OptionalDouble.of(firstGap.orElse(gap));
      double grown = gap - gap0.getAsDouble();
      gapRun = run(gapOver, grown > maxGap);
      if (gapRun >= patience) {
        alarms.add(new Alarm(AlarmKind.PROXY_GOLD_GAP, grown, maxGap));
      }
    }
    return new Observed(
        new OveroptimisationMonitor(
            maxSpreadGrowth, maxGap, patience, spread0, gap0, spreadRun, gapRun),
        alarms);
  }

  private static int run(int before, boolean over) {
    return over ? Math.min(before, Integer.MAX_VALUE - 1) + 1 : 0;
  }
}
