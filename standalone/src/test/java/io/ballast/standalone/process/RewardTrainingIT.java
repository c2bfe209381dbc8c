package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.grpc.Channel;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The built program learns a reward from what people did: suggestions and feedback in PostgreSQL, a
 * training by the reward-server, a version that scores. {@link SplitMeshIT} has it do so in two
 * processes.
 */
class RewardTrainingIT {
  private static final int SUGGESTIONS = 80;
  private static final RequestMetadata WHO =
      RequestMetadata.newBuilder().setTenant("training-test").build();

  @TempDir private Path data = Path.of(".");

  @Test
  void oneProcessLearnsFromItsOwnFeedback() {
    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of())) {
      react(mesh.channel());
      assertLearns(mesh.channel(), "");
    }
  }

  /** Suggestions at as many prompts; those that say something are accepted or rejected in turn. */
  static void react(Channel channel) {
    for (int i = 0; i < SUGGESTIONS; i++) {
      SuggestResponse suggestion =
          PolicyServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(60, TimeUnit.SECONDS)
              .suggest(
                  SuggestRequest.newBuilder()
                      .setMetadata(WHO)
                      .setPrompt("int size%d = list%d.".formatted(i, i))
                      .setSampling(SamplingOptions.newBuilder().setSeed(i).setMaxNewTokens(16))
                      .setGateMode(GateMode.GATE_MODE_OFF)
                      .setUser("user-" + i % 7)
                      .build());
      FeedbackEvent.Builder event =
          FeedbackEvent.newBuilder().setSuggestionId(suggestion.getSuggestionId());
      var unused =
          FeedbackServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(60, TimeUnit.SECONDS)
              .recordFeedback(
                  RecordFeedbackRequest.newBuilder()
                      .setMetadata(WHO.toBuilder().setIdempotencyKey("reaction-" + i))
                      .setEvent(
                          i % 2 == 0
                              ? event.setAccepted(Accepted.getDefaultInstance())
                              : event.setRejected(Rejected.getDefaultInstance()))
                      .build());
    }
  }

  /**
   * The reward-server trains from it, and scores by what it learned.
   *
   * @param trunk which version of the policy reads texts; empty: the only one that there is
   */
  static void assertLearns(Channel channel, String trunk) {
    RewardTraining begun = start(channel, trunk);
    Iterator<WatchTrainingResponse> states = TestCalls.watch(channel, begun);
    RewardTraining last = begun;
    while (states.hasNext()) {
      last = states.next().getTraining();
    }
    assertThat(last.getState()).as("%s", last).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(last.getResult().getFactsList())
        .anySatisfy(
            fact -> {
              assertThat(fact.getName()).isEqualTo("feedback");
              assertThat(fact.getValue()).startsWith(SUGGESTIONS + " events;").contains("7 users");
            });

    ScoreResponse scored =
        score(channel, ModelSelector.newBuilder().setModel("liked").setVersion("1"));
    assertThat(scored.getModelVersion()).isEqualTo(last.getResult().getModelVersion());
    assertThat(scored.getResults(0).hasValue()).isTrue();
    assertThat(score(channel, ModelSelector.newBuilder()).getModelVersion().getModel())
        .isEqualTo("java-reward");
  }

  private static RewardTraining start(Channel channel, String trunk) {
    return TestCalls.train(
        channel,
        List.of(
            StartTrainingRequest.newBuilder()
                .setMetadata(WHO.toBuilder().setIdempotencyKey("train"))
                .setPlan(
                    TrainingPlan.newBuilder()
                        .setName("liked")
                        .setTrunk(trunk)
                        .setOptions(TrainingOptions.newBuilder().setMembersCount(2).setMaxEpochs(2))
                        .setFeedback(FeedbackChoice.getDefaultInstance()))
                .build()));
  }

  private static ScoreResponse score(Channel channel, ModelSelector.Builder model) {
    return RewardServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .score(
            ScoreRequest.newBuilder()
                .setMetadata(WHO)
                .setRewardModel(model)
                .addItems(
                    ScoreItem.newBuilder()
                        .setPrompt(TextOrTokens.newBuilder().setText("int size = list."))
                        .setCompletion(TextOrTokens.newBuilder().setText("size();")))
                .build());
  }
}
