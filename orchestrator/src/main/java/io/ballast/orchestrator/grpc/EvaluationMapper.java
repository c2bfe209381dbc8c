package io.ballast.orchestrator.grpc;

import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.IterationMetrics;
import org.jspecify.annotations.Nullable;

/** Writes what an evaluation came to. */
final class EvaluationMapper {
  private EvaluationMapper() {}

  static void put(@Nullable EvaluationReading reading, IterationMetrics.Builder answer) {
    switch (reading) {
      case null -> {}
      case EvaluationReading.Measured measured ->
          answer.setEvaluation(
              Evaluation.newBuilder()
                  .setMeanReward(measured.mean())
                  .setLow(measured.low())
                  .setHigh(measured.high())
                  .setConfidence(measured.confidence())
                  .setN(measured.unitsCount())
                  .setScoredCount(measured.scoredCount())
                  .setFailedCount(measured.failedCount()));
      case EvaluationReading.Failed failed ->
          answer.setEvaluationFailure(
              GoldFailure.newBuilder().setReason(failed.reason()).setMessage(failed.message()));
    }
  }
}
