package io.ballast.reward.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.v1.BadTrainingRow;
import io.ballast.reward.v1.ObjectiveResult;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.TrainingFact;
import io.ballast.reward.v1.TrainingFailure;
import io.ballast.reward.v1.TrainingFigures;
import io.ballast.reward.v1.TrainingPhase;
import io.ballast.reward.v1.TrainingProgress;
import io.ballast.reward.v1.TrainingResult;
import io.ballast.reward.v1.TrainingState;
import io.ballast.training.data.BadRow;
import io.ballast.training.reward.VersionName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/** Translates trainings, for the wire and for their records. */
public final class TrainingMapper {
  private static final int UUID_CHARACTERS = 36;

  private final Function<RequestMetadata, RequestContext> contexts;

  /**
   * @param contexts validates the metadata of requests
   */
  public TrainingMapper(Function<RequestMetadata, RequestContext> contexts) {
    this.contexts = contexts;
  }

  Caller caller(RequestMetadata metadata) {
    return MeshMessages.caller(contexts.apply(metadata));
  }

  String tenant(RequestMetadata metadata) {
    return caller(metadata).tenant();
  }

  static UUID id(String text) {
    if (text.length() == UUID_CHARACTERS) {
      try {
        return UUID.fromString(text);
      } catch (IllegalArgumentException e) {
        throw Texts.malformed("training_id", "'%s' (expected: a UUID)".formatted(text));
      }
    }
    throw Texts.malformed(
        "training_id", "%,d characters (expected: a UUID)".formatted(text.length()));
  }

  /** A training as a message. */
  public static RewardTraining message(Training training) {
    RewardTraining.Builder message =
        RewardTraining.newBuilder()
            .setTrainingId(training.id().toString())
            .setTenant(training.tenant())
            .setState(state(training.state()))
            .setModel(training.version().model())
            .setVersion(training.version().version())
            .setCommand(training.command())
            .setStartTime(Timestamps.of(training.start()))
            .setProgress(
                TrainingProgress.newBuilder()
                    .setPhase(phase(training.progress().phase()))
                    .setDoneCount(training.progress().done())
                    .setAllCount(training.progress().all()))
            .setBadRowCount(training.badRowCount())
            .setIdempotencyKey(training.key())
            .setFingerprint(training.fingerprint());
    training.end().ifPresent(end -> message.setEndTime(Timestamps.of(end)));
    training.badRows().forEach(row -> message.addBadRows(row(row)));
    training.result().ifPresent(result -> message.setResult(result(result)));
    training
        .failure()
        .ifPresent(
            failure ->
                message.setFailure(
                    TrainingFailure.newBuilder()
                        .setReason(failure.reason())
                        .setMessage(failure.message())));
    return message.build();
  }

  /**
   * A training from a message that {@link #message} made.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static Training training(RewardTraining message) {
    return new Training(
        UUID.fromString(message.getTrainingId()),
        message.getTenant(),
        message.getIdempotencyKey(),
        message.getFingerprint(),
        new VersionName(message.getModel(), message.getVersion()),
        message.getCommand(),
        state(message.getState()),
        Timestamps.instant(message.getStartTime()),
        message.hasEndTime()
            ? Optional.of(Timestamps.instant(message.getEndTime()))
            : Optional.empty(),
        new Training.Progress(
            phase(message.getProgress().getPhase()),
            message.getProgress().getDoneCount(),
            message.getProgress().getAllCount()),
        message.getBadRowsList().stream().map(TrainingMapper::row).toList(),
        message.getBadRowCount(),
        message.hasResult() ? Optional.of(result(message.getResult())) : Optional.empty(),
        message.hasFailure()
            ? Optional.of(
                new Training.Failure(
                    message.getFailure().getReason(), message.getFailure().getMessage()))
            : Optional.empty());
  }

  private static TrainingResult result(Training.Result result) {
    TrainingResult.Builder message =
        TrainingResult.newBuilder()
            .setModelVersion(MeshMessages.version(result.version()))
            .setEnsemble(TrainingFigures.newBuilder().putAllValues(result.ensemble()));
    result
        .facts()
        .forEach(
            (name, value) ->
                message.addFacts(TrainingFact.newBuilder().setName(name).setValue(value)));
    result
        .members()
        .forEach(member -> message.addMembers(TrainingFigures.newBuilder().putAllValues(member)));
    for (Training.ObjectiveResult objective : result.objectives()) {
      ObjectiveResult.Builder each =
          message
              .addObjectivesBuilder()
              .setName(objective.name())
              .setWeight(objective.weight())
              .setEnsemble(TrainingFigures.newBuilder().putAllValues(objective.ensemble()));
      objective
          .members()
          .forEach(member -> each.addMembers(TrainingFigures.newBuilder().putAllValues(member)));
    }
    return message.build();
  }

  private static Training.Result result(TrainingResult message) {
    Map<String, String> facts = new LinkedHashMap<>();
    message.getFactsList().forEach(fact -> facts.put(fact.getName(), fact.getValue()));
    return new Training.Result(
        MeshMessages.version(message.getModelVersion()),
        facts,
        message.getMembersList().stream().map(TrainingFigures::getValuesMap).toList(),
        message.getEnsemble().getValuesMap(),
        message.getObjectivesList().stream()
            .map(
                each ->
                    new Training.ObjectiveResult(
                        each.getName(),
                        each.getWeight(),
                        each.getMembersList().stream().map(TrainingFigures::getValuesMap).toList(),
                        each.getEnsemble().getValuesMap()))
            .toList());
  }

  private static BadTrainingRow row(BadRow row) {
    return BadTrainingRow.newBuilder().setRow(row.row()).setReason(row.reason()).build();
  }

  private static BadRow row(BadTrainingRow row) {
    return new BadRow(row.getRow(), row.getReason());
  }

  private static TrainingState state(Training.State state) {
    return switch (state) {
      case RUNNING -> TrainingState.TRAINING_STATE_RUNNING;
      case SUCCEEDED -> TrainingState.TRAINING_STATE_SUCCEEDED;
      case FAILED -> TrainingState.TRAINING_STATE_FAILED;
      case CANCELLED -> TrainingState.TRAINING_STATE_CANCELLED;
      case INTERRUPTED -> TrainingState.TRAINING_STATE_INTERRUPTED;
    };
  }

  private static Training.State state(TrainingState state) {
    return switch (state) {
      case TRAINING_STATE_RUNNING -> Training.State.RUNNING;
      case TRAINING_STATE_SUCCEEDED -> Training.State.SUCCEEDED;
      case TRAINING_STATE_FAILED -> Training.State.FAILED;
      case TRAINING_STATE_CANCELLED -> Training.State.CANCELLED;
      case TRAINING_STATE_INTERRUPTED -> Training.State.INTERRUPTED;
      case TRAINING_STATE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("state: " + state + " (expected: one that is known)");
    };
  }

  private static TrainingPhase phase(Training.Phase phase) {
    return switch (phase) {
      case READING_FEEDBACK -> TrainingPhase.TRAINING_PHASE_READING_FEEDBACK;
      case READING_TEXTS -> TrainingPhase.TRAINING_PHASE_READING_TEXTS;
      case TRAINING_MEMBERS -> TrainingPhase.TRAINING_PHASE_TRAINING_MEMBERS;
      case PUBLISHING -> TrainingPhase.TRAINING_PHASE_PUBLISHING;
    };
  }

  private static Training.Phase phase(TrainingPhase phase) {
    return switch (phase) {
      case TRAINING_PHASE_READING_FEEDBACK -> Training.Phase.READING_FEEDBACK;
      case TRAINING_PHASE_READING_TEXTS -> Training.Phase.READING_TEXTS;
      case TRAINING_PHASE_TRAINING_MEMBERS -> Training.Phase.TRAINING_MEMBERS;
      case TRAINING_PHASE_PUBLISHING -> Training.Phase.PUBLISHING;
      case TRAINING_PHASE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("phase: " + phase + " (expected: one that is known)");
    };
  }
}
