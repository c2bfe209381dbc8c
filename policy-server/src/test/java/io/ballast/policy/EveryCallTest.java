package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who asks is checked by every call in the same way. */
class EveryCallTest {
  private static final String ID = "019ab5f4-7a00-7000-8000-000000000000";

  private final TestMesh mesh = TestMesh.start();

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void metadataThatIsWrongIsNamedByEveryCall() {
    Map<String, RequestMetadata> wrong =
        Map.of(
            "metadata.tenant: a/b (allowed: at most 64 characters of [A-Za-z0-9._-], or empty)",
            RequestMetadata.newBuilder().setTenant("a/b").build(),
            "metadata.request_id: a\n"
                + "b (allowed: at most 128 characters of [A-Za-z0-9._:-], or empty)",
            RequestMetadata.newBuilder().setRequestId("a\nb").build(),
            "metadata.priority: 7 (allowed: 0 unspecified, 1 interactive, 2 trainer, 3 batch)",
            RequestMetadata.newBuilder().setPriorityValue(7).build(),
            "metadata.idempotency_key: character 1 is U+0000 (allowed: no control characters)",
            RequestMetadata.newBuilder().setIdempotencyKey("k\0").build());

    Map<String, Consumer<RequestMetadata>> calls = calls();
    assertThat(calls).as("every method of the three services").hasSize(18);
    calls
        .values()
        .forEach(
            call ->
                wrong.forEach(
                    (message, metadata) -> assertRefused(() -> call.accept(metadata), message)));
    assertThat(mesh.models.decoder("1").requests).isEmpty();
  }

  private Map<String, Consumer<RequestMetadata>> calls() {
    TextOrTokens text = TextOrTokens.newBuilder().setText("a").build();
    SuggestRequest suggest = SuggestRequest.newBuilder().setPrompt("a").build();
    Map<String, Consumer<RequestMetadata>> calls = new LinkedHashMap<>();
    calls.put("Suggest", m -> mesh.policy().suggest(suggest.toBuilder().setMetadata(m).build()));
    calls.put(
        "SuggestStream",
        m ->
            mesh.policy()
                .suggestStream(
                    SuggestStreamRequest.newBuilder()
                        .setRequest(suggest.toBuilder().setMetadata(m))
                        .build())
                .forEachRemaining(answer -> {}));
    calls.put(
        "Sample",
        m ->
            mesh.policy()
                .sample(SampleRequest.newBuilder().setMetadata(m).addPrompts(text).build()));
    calls.put(
        "LogProbs",
        m ->
            mesh.policy()
                .logProbs(
                    LogProbsRequest.newBuilder()
                        .setMetadata(m)
                        .addItems(LogProbsItem.newBuilder().setPrompt(text).setCompletion(text))
                        .build()));
    calls.put(
        "ListVersions",
        m -> mesh.versions().listVersions(ListVersionsRequest.newBuilder().setMetadata(m).build()));
    calls.put(
        "GetVersion",
        m -> mesh.versions().getVersion(GetVersionRequest.newBuilder().setMetadata(m).build()));
    calls.put(
        "RegisterVersion",
        m ->
            mesh.versions()
                .registerVersion(
                    RegisterVersionRequest.newBuilder().setMetadata(m).setVersion("1").build()));
    calls.put(
        "ListAliases",
        m -> mesh.versions().listAliases(ListAliasesRequest.newBuilder().setMetadata(m).build()));
    calls.put(
        "PromoteAlias",
        m ->
            mesh.versions()
                .promoteAlias(
                    PromoteAliasRequest.newBuilder()
                        .setMetadata(m)
                        .setExpectedVersion("1")
                        .setNewVersion("1")
                        .build()));
    calls.put(
        "RollBackAlias",
        m ->
            mesh.versions()
                .rollBackAlias(RollBackAliasRequest.newBuilder().setMetadata(m).build()));
    calls.put(
        "EndCanary",
        m ->
            mesh.versions()
                .endCanary(
                    EndCanaryRequest.newBuilder()
                        .setMetadata(m)
                        .setCanaryVersion("2")
                        .setOutcome(CanaryOutcome.CANARY_OUTCOME_ROLL_BACK)
                        .setReason("a reason to do it")
                        .build()));
    calls.put(
        "BreakGlassAlias",
        m ->
            mesh.versions()
                .breakGlassAlias(
                    BreakGlassAliasRequest.newBuilder()
                        .setMetadata(m)
                        .setActor("a")
                        .setReason("a reason to do it")
                        .build()));
    calls.put(
        "RecordFeedback",
        m ->
            mesh.feedback()
                .recordFeedback(
                    RecordFeedbackRequest.newBuilder()
                        .setMetadata(m)
                        .setEvent(
                            io.ballast.policy.v1.FeedbackEvent.newBuilder()
                                .setSuggestionId(ID)
                                .setRejected(io.ballast.policy.v1.Rejected.getDefaultInstance()))
                        .build()));
    calls.put(
        "StreamTrainingRecords",
        m ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder().setMetadata(m).build())
                .forEachRemaining(answer -> {}));
    calls.put(
        "StreamDecisions",
        m ->
            mesh.feedback()
                .streamDecisions(StreamDecisionsRequest.newBuilder().setMetadata(m).build())
                .forEachRemaining(answer -> {}));
    calls.put(
        "ReplayDecision",
        m ->
            mesh.feedback()
                .replayDecision(
                    ReplayDecisionRequest.newBuilder().setMetadata(m).setSuggestionId(ID).build()));
    calls.put(
        "DeleteUserData",
        m ->
            mesh.feedback()
                .deleteUserData(DeleteUserDataRequest.newBuilder().setMetadata(m).build()));
    calls.put(
        "GetSuggestion",
        m ->
            mesh.feedback()
                .getSuggestion(
                    GetSuggestionRequest.newBuilder().setMetadata(m).setSuggestionId(ID).build()));
    return calls;
  }
}
