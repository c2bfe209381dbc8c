package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.MeasuredHarm;
import io.ballast.orchestrator.v1.RunSpent;
import io.ballast.orchestrator.v1.SamplingRounds;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Every number of an iteration by a tag that stays the same from release to release; the module's
 * README lists the tags. A number that the iteration does not have has no tag, and is never 0.
 */
public final class IterationScalars {
  /** Before the name of a constraint. */
  public static final String CONSTRAINT = "constraint/";

  /** Before what the spec calls a harm that is measured only. */
  public static final String MEASURED = "measured/";

  /** Before what gold says. */
  public static final String GOLD = "gold/";

  /** Before what an evaluation on held-out prompts says. */
  public static final String EVALUATION = "evaluation/";

  /** Before what the objective says beside its value. */
  public static final String OBJECTIVE = "objective/";

  private IterationScalars() {}

  /** Returns the numbers of {@code metrics} by their tags, in the order of the README. */
  public static Map<String, Double> of(IterationMetrics metrics) {
    Map<String, Double> scalars = new LinkedHashMap<>();
    training(metrics, scalars);
    if (metrics.hasGold()) {
      gold(metrics.getGold(), scalars);
    }
    if (metrics.hasGoldGap()) {
      scalars.put(GOLD + "gap", metrics.getGoldGap());
    }
    metrics.getConstraintsList().forEach(each -> constraint(each, scalars));
    for (MeasuredCost each : metrics.getMeasuredList()) {
      if (each.hasValue()) {
        measured(MEASURED + each.getName() + "/", each.getValue(), scalars);
      }
    }
    if (metrics.hasEvaluation()) {
      evaluation(metrics.getEvaluation(), scalars);
    }
    if (metrics.hasSpent()) {
      spent(metrics.getSpent(), scalars);
    }
    scalars.put("watch/alarms", (double) metrics.getAlarmsCount());
    phase("sample", metrics, metrics.getSampleSeconds(), scalars);
    phase("judge", metrics, metrics.getJudgeSeconds(), scalars);
    phase("learn", metrics, metrics.getLearnSeconds(), scalars);
    return Collections.unmodifiableMap(scalars);
  }

  private static void training(IterationMetrics metrics, Map<String, Double> scalars) {
    if (metrics.hasMeanReward()) {
      scalars.put("train/reward", metrics.getMeanReward());
    }
    if (metrics.hasMeanSpread()) {
      scalars.put("train/reward_spread", metrics.getMeanSpread());
    }
    if (metrics.hasKlNats()) {
      scalars.put("train/kl_nats", metrics.getKlNats());
    }
    scalars.put("train/entropy_nats", metrics.getEntropyNats());
    scalars.put("train/completion_tokens", metrics.getMeanCompletionTokens());
    scalars.put("train/loss", metrics.getLoss());
    scalars.put("train/gradient_norm", metrics.getGradientNorm());
    if (metrics.hasTrainServeGapNats()) {
      scalars.put("train/serve_gap_nats", metrics.getTrainServeGapNats());
    }
    scalars.put("train/samples", (double) metrics.getSamplesCount());
    scalars.put("train/dropped", (double) metrics.getDroppedCount());
    if (metrics.hasRounds()) {
      SamplingRounds rounds = metrics.getRounds();
      scalars.put("train/rounds", (double) rounds.getRoundsCount());
      scalars.put("train/groups_sampled", (double) rounds.getSampledGroupsCount());
      scalars.put("train/groups_kept", (double) rounds.getKeptGroupsCount());
    }
    if (metrics.hasLearning()) {
      LearningMetrics learning = metrics.getLearning();
      scalars.put("train/trained", (double) learning.getTrainedCount());
      scalars.put("train/learning_rate", learning.getLearningRate());
      scalars.put("train/serve_gap_max_nats", learning.getTrainServeGapMaxNats());
      scalars.put("train/update_outcome", (double) learning.getOutcomeValue());
      new TreeMap<>(learning.getObjectiveMap())
          .forEach((name, number) -> scalars.put(OBJECTIVE + name, number));
    }
  }

  private static void gold(GoldScores gold, Map<String, Double> scalars) {
    scalars.put(GOLD + "mean", gold.getMeanGold());
    scalars.put(GOLD + "std", gold.getGoldStd());
    scalars.put(GOLD + "reward", gold.getMeanReward());
    scalars.put(GOLD + "reward_std", gold.getRewardStd());
    scalars.put(GOLD + "scored", (double) gold.getScoredCount());
    scalars.put(GOLD + "failed", (double) gold.getFailedCount());
  }

  private static void constraint(ConstraintMetrics constraint, Map<String, Double> scalars) {
    String tag = CONSTRAINT + constraint.getName() + "/";
    scalars.put(tag + "cost", constraint.getMeanCost());
    if (constraint.hasBound()) {
      scalars.put(tag + "bound", constraint.getBound());
    }
    if (constraint.hasTarget()) {
      scalars.put(tag + "target", constraint.getTarget());
    }
    if (constraint.hasLambda()) {
      scalars.put(tag + "lambda", constraint.getLambda());
      scalars.put(tag + "lambda_at_cap", constraint.getLambdaAtCap() ? 1.0 : 0.0);
    }
  }

  private static void measured(String tag, MeasuredHarm harm, Map<String, Double> scalars) {
    scalars.put(tag + "harm", harm.getMeanHarm());
    scalars.put(tag + "harm_std", harm.getHarmStd());
    scalars.put(tag + "cost", harm.getMeanCost());
    scalars.put(tag + "scored", (double) harm.getScoredCount());
    scalars.put(tag + "failed", (double) harm.getFailedCount());
  }

  private static void evaluation(Evaluation evaluation, Map<String, Double> scalars) {
    scalars.put(EVALUATION + "reward", evaluation.getMeanReward());
    scalars.put(EVALUATION + "low", evaluation.getLow());
    scalars.put(EVALUATION + "high", evaluation.getHigh());
    scalars.put(EVALUATION + "confidence", evaluation.getConfidence());
    scalars.put(EVALUATION + "n", (double) evaluation.getN());
    scalars.put(EVALUATION + "scored", (double) evaluation.getScoredCount());
    scalars.put(EVALUATION + "failed", (double) evaluation.getFailedCount());
  }

  private static void spent(RunSpent spent, Map<String, Double> scalars) {
    scalars.put("spent/completion_tokens", (double) spent.getCompletionTokensCount());
    scalars.put("spent/seconds", spent.getSeconds());
    if (spent.hasMoney()) {
      scalars.put("spent/money", spent.getMoney());
    }
  }

  /** What a phase took, and what passed through it: the completions that were trained on. */
  private static void phase(
      String phase, IterationMetrics metrics, double seconds, Map<String, Double> scalars) {
    scalars.put("seconds/" + phase, seconds);
    if (seconds > 0) {
      double completions = metrics.getSamplesCount() / seconds;
      scalars.put("completions_per_second/" + phase, completions);
      scalars.put("tokens_per_second/" + phase, completions * metrics.getMeanCompletionTokens());
    }
  }
}
