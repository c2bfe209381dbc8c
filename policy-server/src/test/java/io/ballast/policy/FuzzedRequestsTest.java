package io.ballast.policy;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.testing.fuzz.FuzzedServer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever bytes come as a request, the answer is typed, and the next request is answered. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedRequestsTest {
  private static final long SEED = 8;

  private static final TestMesh MESH = TestMesh.start();
  static final FuzzedServer SERVER = serve();

  private static FuzzedServer serve() {
    String suggestion = MESH.suggest("int a = ").getSuggestionId();
    SuggestRequest suggest =
        SuggestRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("default"))
            .setPolicy(ModelSelector.newBuilder().setModel(FakeModels.MODEL).setVersion("1"))
            .setPrompt("int b = ")
            .setSampling(sampling())
            .setCandidatesCount(2)
            .setWithCost(true)
            .setUser("u")
            .build();
    TextOrTokens text = TextOrTokens.newBuilder().setText("int c").build();
    TextOrTokens tokens =
        TextOrTokens.newBuilder()
            .setTokens(TokenSequence.newBuilder().addTokenIds(2).addTokenIds(3))
            .build();
    return FuzzedServer.start(
            MESH.server.services(),
            List.of(MESH.server.models()),
            Map.of(
                "model", List.of("", FakeModels.MODEL),
                "model_name", List.of(FakeModels.MODEL),
                "version", List.of("", "1"),
                "model_version", List.of("", "1"),
                "alias", List.of("", "serving"),
                "new_version", List.of("1", "9"),
                "suggestion_id", List.of(suggestion),
                "tenant", List.of("", "default"),
                "name", List.of("text_input", "stream", "text_output"),
                "datatype", List.of("BYTES", "BOOL", "INT64", "FP32")),
            List.of())
        .good(PolicyServiceGrpc.getSuggestMethod(), suggest)
        .good(
            PolicyServiceGrpc.getSuggestStreamMethod(),
            SuggestStreamRequest.newBuilder().setRequest(suggest).build())
        .good(
            PolicyServiceGrpc.getSampleMethod(),
            SampleRequest.newBuilder()
                .addPrompts(text)
                .addPrompts(tokens)
                .setCompletionsCount(2)
                .setSampling(sampling())
                .build())
        .good(
            PolicyServiceGrpc.getLogProbsMethod(),
            LogProbsRequest.newBuilder()
                .addItems(LogProbsItem.newBuilder().setPrompt(text).setCompletion(tokens))
                .setWithEntropies(true)
                .setAlternativesCount(3)
                .build())
        .like(
            FeedbackServiceGrpc.getRecordFeedbackMethod(),
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "key"))
                .setEvent(
                    FeedbackEvent.newBuilder()
                        .setSuggestionId(suggestion)
                        .setFollowUp(FollowUp.newBuilder().setText("and then")))
                .build())
        .good(
            FeedbackServiceGrpc.getGetSuggestionMethod(),
            GetSuggestionRequest.newBuilder().setSuggestionId(suggestion).build());
  }

  private static SamplingOptions sampling() {
    return SamplingOptions.newBuilder()
        .setTemperature(0.7)
        .setTopK(5)
        .setTopP(0.9)
        .setMaxNewTokens(8)
        .addStopStrings(";")
        .setSeed(3)
        .build();
  }

  @AfterAll
  static void stop() {
    SERVER.close();
    MESH.close();
  }

  @Test
  void messagesOfEveryKindOfFlaw() {
    SERVER.assertTyped(SEED);
  }
}
