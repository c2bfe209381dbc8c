package io.ballast.rl.stats;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * Says when an optimised policy is leaving the region where its reward can be believed.
 *
 * <p>Source: Zheng et al. 2023 (PPO-max), arXiv:2307.04964: KL, length and perplexity show a
 * collapse that the reward hides; Coste et al. 2024, arXiv:2310.02743: the members' variance grows
 * threefold under over-optimisation; RLUF, arXiv:2505.14946: a templated phrase at twice its first
 * share. Says so as data; what follows is the caller's.
 *
 * @param first the vitals before the first update
 * @param maxKl nats, &gt; 0; vitals without a KL raise no alarm
 * @param maxSpreadGrowth times the first spread, ≥ 1; vitals without a spread raise no alarm
 * @param minEntropyShare of the first entropy, 0 to 1
 * @param maxLengthGrowth times the first length, ≥ 1
 * @param maxPhraseGrowth times the first share, ≥ 1; a phrase never seen at first alarms at once
 */
public record CollapseMonitor(
    PolicyVitals first,
    double maxKl,
    double maxSpreadGrowth,
    double minEntropyShare,
    double maxLengthGrowth,
    double maxPhraseGrowth) {
  /** Checks the ranges above. */
  public CollapseMonitor {
    Require.positive(maxKl, "maxKl");
    Require.inRange(maxSpreadGrowth, 1, Double.MAX_VALUE, "maxSpreadGrowth");
    Require.probability(minEntropyShare, "minEntropyShare");
    Require.inRange(maxLengthGrowth, 1, Double.MAX_VALUE, "maxLengthGrowth");
    Require.inRange(maxPhraseGrowth, 1, Double.MAX_VALUE, "maxPhraseGrowth");
  }

  /** Returns the alarms that {@code now} raises, in the order of {@link AlarmKind}; maybe none. */
  public List<Alarm> check(PolicyVitals now) {
    List<Alarm> alarms = new ArrayList<>();
    now.kl().ifPresent(kl -> raiseAbove(alarms, AlarmKind.KL_HIGH, kl, maxKl));
    if (first.spread().isPresent() && now.spread().isPresent()) {
      raiseAbove(
          alarms,
          AlarmKind.SPREAD_GREW,
          now.spread().getAsDouble(),
          maxSpreadGrowth * first.spread().getAsDouble());
    }
    double leastEntropy = minEntropyShare * first.entropy();
    if (now.entropy() < leastEntropy) {
      alarms.add(new Alarm(AlarmKind.ENTROPY_LOW, now.entropy(), leastEntropy));
    }
    raiseAbove(
        alarms, AlarmKind.LENGTH_GREW, now.lengthTokens(), maxLengthGrowth * first.lengthTokens());
    raiseAbove(
        alarms, AlarmKind.PHRASE_SPREAD, now.phraseShare(), maxPhraseGrowth * first.phraseShare());
    return List.copyOf(alarms);
  }

  private static void raiseAbove(
      List<Alarm> alarms, AlarmKind kind, double observed, double limit) {
    if (observed > limit) {
      alarms.add(new Alarm(kind, observed, limit));
    }
  }
}
