package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.orchestrator.testing.LearnerCalls;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A session on the tiny model, and two groups to learn from. */
abstract class LearnerObjectiveCase {
  static final double TOLERANCE = 1e-5;

  /** Two groups: completions of 4 and 2 tokens, and of 3. */
  static final List<TrainingGroup> GROUPS =
      List.of(
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(70, 71, 72))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(10, 11, 12, 13))
                      .addAdvantages(1)
                      .setPreferred(true))
              .addCompletions(
                  TrainingCompletion.newBuilder().setTokens(tokens(20, 21)).addAdvantages(-2))
              .build(),
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(5))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(30, 31, 32))
                      .addAllAdvantages(List.of(0.5, 0.5, 0.5)))
              .build());

  @TempDir Path root = Path.of("");
  LearnerCalls learner;
  String session;

  @BeforeEach
  void open() {
    learner = new LearnerCalls(root);
    session = learner.open("1");
  }

  @AfterEach
  void close() {
    learner.close();
  }

  ForwardBackwardResult train(ObjectiveKind kind, List<TrainingGroup> groups) {
    return learner.train(session, objective(kind).build(), groups);
  }

  Operation step() {
    return learner
        .stub
        .optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
        .getOperation();
  }

  List<List<Float>> scores(List<TrainingGroup> groups) {
    return learner
        .stub
        .forward(ForwardRequest.newBuilder().setSessionId(session).addAllGroups(groups).build())
        .getGroupsList()
        .stream()
        .flatMap(group -> group.getCompletionsList().stream())
        .map(completion -> completion.getLogProbsList())
        .toList();
  }

  void refused(NamedObjective objective, String message) {
    refused(objective, GROUPS.getFirst(), message);
  }

  void refused(NamedObjective objective, TrainingGroup group, String message) {
    assertThatThrownBy(() -> learner.train(session, objective, List.of(group)))
        .hasMessageContaining("INVALID_ARGUMENT: " + message);
  }

  static double sum(ForwardBackwardResult result, int group, int completion) {
    return result.getGroups(group).getCompletions(completion).getLogProbsList().stream()
        .mapToDouble(Float::doubleValue)
        .sum();
  }

  static NamedObjective.Builder objective(ObjectiveKind kind) {
    return NamedObjective.newBuilder().setKind(kind);
  }
}
