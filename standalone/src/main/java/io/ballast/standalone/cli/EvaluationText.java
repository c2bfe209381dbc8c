package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.IterationMetrics;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;

/** Evaluations on held-out prompts in words. */
final class EvaluationText {
  private static final DecimalFormat PERCENT =
      new DecimalFormat("0.##", DecimalFormatSymbols.getInstance(Locale.ROOT));

  private EvaluationText() {}

  /** That of the weights after an iteration; empty if they were not evaluated. */
  static String of(IterationMetrics metrics) {
    return switch (metrics.getEvaluationOutcomeCase()) {
      case EVALUATION ->
          interval(metrics.getEvaluation())
              + String.format(
                  Locale.ROOT,
                  " at %s %%, n = %d%s",
                  PERCENT.format(metrics.getEvaluation().getConfidence() * 100),
                  metrics.getEvaluation().getN(),
                  metrics.getEvaluation().getFailedCount() == 0
                      ? ""
                      : ", %d without a reward"
                          .formatted(metrics.getEvaluation().getFailedCount()));
      case EVALUATION_FAILURE ->
          "failed: %s: %s"
              .formatted(
                  metrics.getEvaluationFailure().getReason(),
                  metrics.getEvaluationFailure().getMessage());
      case EVALUATIONOUTCOME_NOT_SET -> "";
    };
  }

  /** The mean with its interval. */
  static String interval(Evaluation evaluation) {
    return String.format(
        Locale.ROOT,
        "%+.4f [%+.4f, %+.4f]",
        evaluation.getMeanReward(),
        evaluation.getLow(),
        evaluation.getHigh());
  }
}
