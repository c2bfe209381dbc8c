package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.testing.OverheardServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What people write and are shown stands in no log, span or status, however a call ends. */
class RedactedTextsTest {
  /** Stands in every text that is sent, and in every completion. */
  private static final String MARKER = "hunter2-of-the-user";

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;
  private final OverheardServer server;
  private final PolicyServiceBlockingStub policy;

  RedactedTextsTest() {
    models.publish(
        "1",
        request -> {
          if (request.prompt().contains("BUG")) {
            throw new IllegalStateException(
                "cannot complete " + request.prompt(),
                new IllegalArgumentException(request.prompt()));
          }
          return MARKER + ";";
        });
    mesh = TestMesh.start(models);
    server = OverheardServer.start(mesh.server.services());
    policy = PolicyServiceGrpc.newBlockingStub(server.channel());
  }

  @AfterEach
  void stop() {
    server.close();
    mesh.close();
  }

  private static SuggestRequest.Builder suggest(String more) {
    return SuggestRequest.newBuilder().setPrompt(MARKER + more).setUser("u");
  }

  @Test
  void suggestionsThatFail() {
    assertThat(policy.suggest(suggest("").build()).getText()).contains(MARKER);
    mesh.rewards.down = true;
    mesh.safety.down = true;
    var degraded = policy.suggest(suggest("").setWithReward(true).setWithCost(true).build());
    assertThat(degraded.getDegradationsList()).isNotEmpty();

    server.fails(() -> policy.suggest(suggest("BUG").build()));
    server.fails(() -> policy.suggest(suggest(FakeDecoder.BROKEN).build()));
    server.fails(() -> policy.suggest(suggest(FakeDecoder.CROWDED).build()));
    server.fails(() -> policy.suggest(suggest(" ".repeat(70_000)).build()));
    server.fails(
        () -> policy.suggest(suggest("").setSampling(sampling().setTemperature(99)).build()));
    server.fails(
        () -> policy.suggest(suggest("").setSampling(sampling().setRegex(MARKER + "(")).build()));
    server.fails(
        () ->
            policy.suggest(
                suggest("")
                    .setSampling(sampling().setJsonSchema("{\"" + MARKER + "\": "))
                    .build()));
    server.fails(
        () ->
            policy.suggest(
                suggest("").setSampling(sampling().addStopStrings(MARKER.repeat(60))).build()));
    server.fails(
        () ->
            policy
                .suggestStream(SuggestStreamRequest.newBuilder().setRequest(suggest("BUG")).build())
                .forEachRemaining(answer -> {}));

    server.assertNothingSaid(MARKER);
    assertThat(server.said())
        .anySatisfy(
            words ->
                assertThat(words)
                    .contains("a bug")
                    .contains("java.lang.IllegalStateException: its message may quote a text")
                    .contains("Caused by: java.lang.IllegalArgumentException: its message")
                    .contains("RedactedTextsTest"));
  }

  @Test
  void samplesLogProbabilitiesAndFeedbackThatFail() {
    TextOrTokens text = TextOrTokens.newBuilder().setText(MARKER).build();
    TextOrTokens bug = TextOrTokens.newBuilder().setText(MARKER + "BUG").build();
    server.fails(() -> policy.sample(SampleRequest.newBuilder().addPrompts(bug).build()));
    server.fails(
        () ->
            policy.sample(
                SampleRequest.newBuilder().addPrompts(text).setCompletionsCount(9_999).build()));
    server.fails(
        () ->
            policy.logProbs(
                LogProbsRequest.newBuilder()
                    .addItems(LogProbsItem.newBuilder().setPrompt(text).setCompletion(text))
                    .setAlternativesCount(-1)
                    .build()));
    var feedback = FeedbackServiceGrpc.newBlockingStub(server.channel());
    FeedbackEvent.Builder event =
        FeedbackEvent.newBuilder().setSuggestionId("01970000-0000-7000-8000-000000000000");
    for (FeedbackEvent each :
        java.util.List.of(
            event.clone().setFollowUp(FollowUp.newBuilder().setText(MARKER)).build(),
            event.clone().setEdited(Edited.newBuilder().setFinalText(MARKER)).build(),
            event
                .clone()
                .setSuggestionId("no")
                .setEdited(Edited.newBuilder().setFinalText(MARKER))
                .build(),
            event
                .clone()
                .setEdited(Edited.newBuilder().setFinalText(MARKER.repeat(9_000)))
                .build())) {
      server.fails(
          () ->
              feedback.recordFeedback(
                  RecordFeedbackRequest.newBuilder()
                      .setMetadata(TestMesh.metadata("", "key"))
                      .setEvent(each)
                      .build()));
    }

    server.assertNothingSaid(MARKER);
  }

  private static SamplingOptions.Builder sampling() {
    return SamplingOptions.newBuilder();
  }
}
