package io.ballast.standalone.cli;

import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.TrainingFigures;
import io.ballast.reward.v1.TrainingPhase;
import io.ballast.reward.v1.TrainingProgress;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.ballast.training.data.BadRow;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Watches a server's training to its end. */
final class TrainingWatcher {
  private static final int MOST_RECONNECTS = 30;
  private static final long RECONNECT_MILLIS = 1_000;

  private final Printing printing;
  private final MeshTarget target;
  private final ProgressLine progress;

  TrainingWatcher(Printing printing, MeshTarget target, CommandContext context) {
    this.printing = printing;
    this.target = target;
    this.progress = new ProgressLine(printing, context.terminal());
  }

  /** Follows {@code begun} until it has ended, and says how. */
  Exit watch(MeshTarget.Connection mesh, RewardTraining begun) throws InterruptedException {
    RewardTraining now = begun;
    int failures = 0;
    while (isRunning(now)) {
      try {
        Iterator<WatchTrainingResponse> events =
            RewardTrainingServiceGrpc.newBlockingStub(mesh.channel())
                .watchTraining(
                    WatchTrainingRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setTrainingId(begun.getTrainingId())
                        .build());
        while (events.hasNext()) {
          now = events.next().getTraining();
          failures = 0;
          show(now);
        }
        failures = isRunning(now) ? failures + 1 : 0;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || ++failures > MOST_RECONNECTS) {
          progress.end();
          throw e;
        }
      }
      if (failures > 0) {
        Thread.sleep(RECONNECT_MILLIS);
      }
    }
    progress.end();
    return end(now);
  }

  private void show(RewardTraining training) {
    TrainingProgress at = training.getProgress();
    if (isRunning(training) && at.getAllCount() > 0) {
      progress.at(words(at.getPhase()), (double) at.getDoneCount() / at.getAllCount());
    }
  }

  private Exit end(RewardTraining training) {
    printing.document(training);
    if (training.getState() == TrainingState.TRAINING_STATE_SUCCEEDED) {
      new TrainedReport(printing).lines(summary(training));
      return Exit.OK;
    }
    printing.line(
        "%s: %s: %s"
            .formatted(
                state(training),
                training.getFailure().getReason(),
                training.getFailure().getMessage()));
    return Exit.FAILED;
  }

  private static TrainedReport.Summary summary(RewardTraining training) {
    Map<String, String> facts = new LinkedHashMap<>();
    training.getResult().getFactsList().forEach(fact -> facts.put(fact.getName(), fact.getValue()));
    return new TrainedReport.Summary(
        training.getModel(),
        training.getVersion(),
        "", // it lies on the server
        facts,
        training.getResult().getMembersList().stream().map(TrainingFigures::getValuesMap).toList(),
        training.getResult().getEnsemble().getValuesMap(),
        Optional.empty(), // servers train rewards
        training.getResult().getObjectivesList().stream()
            .map(
                each ->
                    new TrainedReport.Objective(
                        each.getName(),
                        each.getWeight(),
                        each.getMembersList().stream().map(TrainingFigures::getValuesMap).toList(),
                        each.getEnsemble().getValuesMap()))
            .toList(),
        training.getBadRowsList().stream()
            .map(row -> new BadRow(row.getRow(), row.getReason()))
            .toList(),
        training.getBadRowCount());
  }

  private static boolean isRunning(RewardTraining training) {
    return training.getState() == TrainingState.TRAINING_STATE_RUNNING;
  }

  /** The state of a training in a word. */
  static String state(RewardTraining training) {
    return training.getState().name().replace("TRAINING_STATE_", "").toLowerCase(Locale.ROOT);
  }

  /** What a training does, in words. */
  static String words(TrainingPhase phase) {
    return switch (phase) {
      case TRAINING_PHASE_READING_FEEDBACK -> "reading feedback";
      case TRAINING_PHASE_READING_TEXTS -> "reading prompts";
      case TRAINING_PHASE_TRAINING_MEMBERS -> "training heads";
      case TRAINING_PHASE_PUBLISHING -> "publishing";
      case TRAINING_PHASE_UNSPECIFIED, UNRECOGNIZED -> "working";
    };
  }
}
