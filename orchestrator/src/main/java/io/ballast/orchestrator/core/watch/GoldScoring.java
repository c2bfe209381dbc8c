package io.ballast.orchestrator.core.watch;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.measure.CompletionSample;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.rl.selection.GoldPoint;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Asks the gold reward about a sample of an iteration's completions. Nothing is trained on the
 * answer, and that there is none ends no run.
 */
public final class GoldScoring {
  private static final int SAMPLES = 3; // beside those of PromptPlan and the safety test

  private final RewardOracle rewards;
  private final Patience patience;

  /**
   * @param patience its own: a gold model that is away must not use up that of the reward in
   *     training
   */
  public GoldScoring(RewardOracle rewards, Patience patience) {
    this.rewards = rewards;
    this.patience = patience;
  }

  /**
   * Reads gold of {@code rollout}.
   *
   * @param runSeed with {@code iteration}, picks the completions: the same again after a crash
   */
  public GoldReading read(
      String tenant, GoldSpec spec, long runSeed, int iteration, JudgedRollout rollout) {
    CompletionSample sample =
        CompletionSample.of(rollout, spec.completions(), runSeed, SAMPLES, iteration);
    List<RewardOracle.Outcome> outcomes;
    try {
      outcomes =
          patience.call(
              "score completions by gold",
              () -> rewards.score(tenant, spec.reward(), sample.items()));
    } catch (MeshException e) {
      return new GoldReading.Failed(e.fault().name(), String.valueOf(e.getMessage()));
    }
    if (outcomes.size() != sample.size()) {
      return new GoldReading.Failed(
          Fault.DEPENDENCY_BROKEN.name(),
          String.format(
              Locale.ROOT, "%,d gold scores for %,d completions", outcomes.size(), sample.size()));
    }
    return reading(sample, outcomes);
  }

  /** The mean of those that have a score, as long as they are at least half, and two. */
  private static GoldReading reading(CompletionSample sample, List<RewardOracle.Outcome> outcomes) {
    List<Double> golds = new ArrayList<>();
    List<Double> proxies = new ArrayList<>();
    String failure = "";
    for (int i = 0; i < outcomes.size(); i++) {
      OptionalDouble proxy = sample.members().get(i).reward();
      if (proxy.isEmpty()) {
        failure = failure.isEmpty() ? "a completion without a reward" : failure;
        continue;
      }
      switch (outcomes.get(i)) {
        case RewardOracle.Outcome.Value(double gold, _)
            when usable(gold) && usable(proxy.getAsDouble()) -> {
          golds.add(gold);
          proxies.add(proxy.getAsDouble());
        }
        case RewardOracle.Outcome.Value value ->
            failure = failure.isEmpty() ? "a reward of a size beyond 1e100" : failure;
        case RewardOracle.Outcome.Missing(String reason) ->
            failure = failure.isEmpty() ? reason : failure;
      }
    }
    int missing = sample.size() - golds.size();
    if (!sample.isKnownBy(golds.size())) {
      return new GoldReading.Failed(
          GoldReading.TOO_FEW_SCORES,
          String.format(
              Locale.ROOT,
              "%,d of %,d completions have no gold score%s",
              missing,
              sample.size(),
              failure.isEmpty() ? "" : "; the first: " + failure));
    }
    double[] gold = golds.stream().mapToDouble(Double::doubleValue).toArray();
    double[] proxy = proxies.stream().mapToDouble(Double::doubleValue).toArray();
    return new GoldReading.Measured(
        Moments.mean(gold),
        Moments.sampleStd(gold),
        Moments.mean(proxy),
        Moments.sampleStd(proxy),
        gold.length,
        missing);
  }

  /** Squares of larger ones could overflow. */
  private static boolean usable(double reward) {
    return Math.abs(reward) <= GoldPoint.MAX_GOLD;
  }
}
