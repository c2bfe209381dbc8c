package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.Reaction;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.opentelemetry.api.OpenTelemetry;
import java.io.InputStream;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input gets one clear, typed answer that names the field, its value and its range. */
class BadInputTest {
  private final TestMesh mesh = TestMesh.start();

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void anEmptyPrompt() {
    assertRefused(() -> mesh.suggest(""), "prompt: empty (expected: at least 1 byte)");
  }

  @Test
  void aPromptOverTheLimitCountsBytesNotCharacters() {
    // 30,000 characters of three bytes each
    assertRefused(() -> mesh.suggest("→".repeat(30_000)), "prompt: 90,000 bytes, limit 65,536");
  }

  @Test
  void aPromptAtTheLimitIsTaken() {
    assertThat(mesh.suggest("x".repeat(65_536)).getText()).isNotEmpty();
  }

  @Test
  void aPromptThatIsNotUtf8NeverReachesTheModel() {
    // field 3 of SuggestRequest is the prompt; 0xC3 0x28 is no UTF-8
    UnknownFieldSet request =
        UnknownFieldSet.newBuilder()
            .addField(
                SuggestRequest.PROMPT_FIELD_NUMBER,
                UnknownFieldSet.Field.newBuilder()
                    .addLengthDelimited(
                        ByteString.copyFrom(new byte[] {'i', (byte) 0xC3, (byte) 0x28}))
                    .build())
            .build();
    MethodDescriptor<UnknownFieldSet, ?> raw =
        PolicyServiceGrpc.getSuggestMethod().toBuilder(
                new RawMarshaller(), ProtoUtils.marshaller(SuggestResponse.getDefaultInstance()))
            .build();
    MeshServer edge =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            mesh.server.services(),
            mesh.meters,
            OpenTelemetry.noop(),
            System::nanoTime);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", edge.port()).usePlaintext().build();

    try {
      assertThatThrownBy(
              () -> ClientCalls.blockingUnaryCall(channel, raw, CallOptions.DEFAULT, request))
          .hasMessageStartingWith(
              "INVALID_ARGUMENT: the request is not a ballast.policy.v1.SuggestRequest: ");
    } finally {
      channel.shutdownNow();
      edge.close();
    }
    assertThat(mesh.models.decoder("1").requests).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 17})
  void candidatesOutOfRange(int count) {
    assertRefused(
        () -> mesh.policy().suggest(request().setCandidatesCount(count).build()),
        "candidates_count: " + count + " (expected: 1 to 16)");
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {
        -1,
        Double.MIN_VALUE,
        0.001,
        10.5,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY
      })
  void temperatureOutOfRange(double temperature) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTemperature(temperature),
        "sampling.temperature: " + temperature + " (expected: 0, or 0.01 to 10)");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.5, 1.01, Double.NaN, Double.POSITIVE_INFINITY})
  void topPOutOfRange(double topP) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTopP(topP),
        "sampling.top_p: " + topP + " (expected: > 0 and ≤ 1)");
  }

  @Test
  void topKBelowZero() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTopK(-1),
        "sampling.top_k: -1 (expected: ≥ 0; 0 means all)");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -3, 4_097})
  void newTokensOutOfRange(int count) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMaxNewTokens(count),
        "sampling.max_new_tokens: " + count + " (expected: 1 to 4,096)");
  }

  @Test
  void stopStringsThatAreTooManyOrEmpty() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().addAllStopStrings(Collections.nCopies(17, ";")),
        "sampling.stop_strings: 17 (expected: at most 16)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addAllStopStrings(Collections.nCopies(1_000, ";")),
        "sampling.stop_strings: 1000 (expected: at most 16)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopStrings(""),
        "sampling.stop_strings[0]: 0 characters (expected: 1 to 1,024)");
  }

  @Test
  void aPseudonymThatIsTooLong() {
    assertRefused(
        () -> mesh.policy().suggest(request().setUser("u".repeat(129)).build()),
        "user: 129 characters, limit 128");
  }

  @Test
  void anUnknownGateMode() {
    assertRefused(
        () -> mesh.policy().suggest(request().setGateModeValue(99).build()),
        "gate_mode: unknown (expected: ENFORCE, SHADOW or OFF)");
  }

  @ParameterizedTest
  @CsvSource({
    "no-such-model, '', '', no alias serving of model no-such-model",
    "'', 99, '', no version 99 of model java-tiny",
    "'', '', canary, no alias canary of model java-tiny",
    "'', '', previous, no alias previous of model java-tiny"
  })
  void anUnknownModelVersionOrAlias(String model, String version, String alias, String message) {
    ModelSelector.Builder selector = ModelSelector.newBuilder().setModel(model);
    if (!version.isEmpty()) {
      selector.setVersion(version);
    }
    if (!alias.isEmpty()) {
      selector.setAlias(alias);
    }
    assertFails(
        () -> mesh.policy().suggest(request().setPolicy(selector).build()),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        message);
    assertFails(
        () ->
            mesh.versions()
                .getVersion(GetVersionRequest.newBuilder().setSelector(selector).build()),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        message);
  }

  @Test
  void aModelThatNobodyKnowsHasNoAliases() {
    assertFails(
        () ->
            mesh.versions()
                .listAliases(ListAliasesRequest.newBuilder().setModel("no-such-model").build()),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        "no model no-such-model");
  }

  @Test
  void sampleCallsThatAreWrongAsAWhole() {
    assertRefused(
        () -> mesh.policy().sample(SampleRequest.getDefaultInstance()),
        "prompts: 0 items (expected: 1 to 1,024)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addAllPrompts(Collections.nCopies(1_025, text("a")))
                        .build()),
        "prompts: 1,025 items (expected: 1 to 1,024)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addPrompts(text("a"))
                        .setCompletionsCount(65)
                        .build()),
        "completions_count: 65 (expected: 1 to 64)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addPrompts(text("a"))
                        .setMaxPromptTokens(-1)
                        .build()),
        "max_prompt_tokens: -1 (expected: at least 0; 0 means as many as fit)");
    assertRefused(
        () -> mesh.policy().logProbs(LogProbsRequest.getDefaultInstance()),
        "items: 0 items (expected: 1 to 1,024)");
  }

  @Test
  void feedbackWithoutAKey() {
    assertRefused(
        () ->
            mesh.feedback()
                .recordFeedback(RecordFeedbackRequest.newBuilder().setEvent(event()).build()),
        "metadata.idempotency_key: 0 characters (expected: 1 to 128)");
  }

  @Test
  void feedbackOnSomethingThatIsNoId() {
    assertEventRefused(
        event().setSuggestionId("1-1-1-1-1"),
        "event.suggestion_id: 9 characters (expected: a UUID)");
    assertEventRefused(
        event().setSuggestionId("zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"),
        "event.suggestion_id: 'zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz' (expected: a UUID)");
    // as long as an id, and read as another one by the JDK
    assertEventRefused(
        event().setSuggestionId("123456789-234-1234-1234-123456789012"),
        "event.suggestion_id: '123456789-234-1234-1234-123456789012' (expected: a UUID)");
  }

  @Test
  void feedbackThatSaysNothingOrTheImpossible() {
    assertEventRefused(event().clearEvent(), "event.event: absent (expected: exactly one kind)");
    assertEventRefused(
        event().setAccepted(Accepted.newBuilder().setSavedCharacters(-1)),
        "event.accepted.saved_characters: -1 (expected: at least 0)");
    assertEventRefused(
        event().setEdited(Edited.getDefaultInstance()),
        "event.edited.kept_characters: 0 (expected: at least 1; nothing kept is a rejection)");
    assertEventRefused(
        event().setReaction(Reaction.getDefaultInstance()),
        "event.reaction.kind: unknown (expected: LIKE, LOVE or DISLIKE)");
    assertEventRefused(
        event().setFollowUp(FollowUp.getDefaultInstance()),
        "event.follow_up.text: empty (expected: at least 1 byte)");
    assertEventRefused(
        event().setRating(Rating.newBuilder().setValue(Double.NaN).setMaximum(5)),
        "event.rating: value NaN, minimum 0.0, maximum 5.0 (expected: finite, "
            + "minimum ≤ value ≤ maximum, minimum < maximum)");
    assertEventRefused(
        event().setEventTime(Timestamp.newBuilder().setNanos(-1)),
        "event.event_time: 0 s, -1 ns (expected: years 1 to 9999, 0 to 999,999,999 ns)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rubbish", "!!", "AQAAAAAAAAAAAAAAAA", "AQ"})
  void aCursorThatNoServerMade(String cursor) {
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder().setAfterCursor(cursor).build())
                .hasNext(),
        "after_cursor: not a cursor of this stream");
  }

  @Test
  void furtherSamplingOptionsOutsideTheirRange() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMinP(1.5), "sampling.min_p: 1.5 (expected: 0 to 1)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRepetitionPenalty(0),
        "sampling.repetition_penalty: 0.0 (expected: 0.01 to 10)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setPresencePenalty(3),
        "sampling.presence_penalty: 3.0 (expected: -2 to 2)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setFrequencyPenalty(Double.NaN),
        "sampling.frequency_penalty: NaN (expected: -2 to 2)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMaxNewTokens(4).setMinNewTokens(5),
        "sampling.min_new_tokens: 5 (expected: 0 to max_new_tokens, which is 4)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().putLogitBias(3, 101),
        "sampling.logit_bias[3]: 101.0 (expected: -100 to 100)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopStrings("a".repeat(10_000)),
        "sampling.stop_strings[0]: 10,000 characters (expected: 1 to 1,024)");
  }

  @Test
  void tokensThatTheModelDoesNotHave() {
    String expected = " (expected: below the vocabulary's size, 65,536)";
    assertSamplingRefused(
        SamplingOptions.newBuilder().putLogitBias(1_000_000, 1),
        "sampling.logit_bias: token 1000000" + expected);
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopTokenIds(1_000_000),
        "sampling.stop_token_ids: 1000000" + expected);
  }

  @Test
  void grammarsThatAreNotUnderstood() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRegex("(a"),
        "sampling.regex: character 3: a ( without its )");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRegex("[^\\s\\S]"),
        "sampling.regex: no text matches, so that none could ever end");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setJsonSchema("{\"$ref\": \"#\"}"),
        "sampling.json_schema: $.$ref: \"#\" is recursive, which is not supported");
  }

  private void assertSamplingRefused(SamplingOptions.Builder sampling, String message) {
    assertRefused(() -> mesh.policy().suggest(request().setSampling(sampling).build()), message);
    assertRefused(() -> stream(request().setSampling(sampling)), message);
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder().addPrompts(text("a")).setSampling(sampling).build()),
        message);
  }

  @Test
  void halfASurrogatePairNeverReachesTheModel() {
    String message = "prompt: character 1 is a lone surrogate (expected: valid UTF-8)";
    assertRefused(() -> mesh.suggest("a\uD83D"), message);
    assertRefused(() -> stream(request().setPrompt("a\uDE00")), message);
    assertThat(
            mesh.policy()
                .sample(SampleRequest.newBuilder().addPrompts(text("a\uD83D")).build())
                .getResults(0)
                .getFailure())
        .isEqualTo(
            ItemFailure.newBuilder()
                .setReason(FailureReason.FAILURE_REASON_INVALID_INPUT)
                .setMessage("prompts[0]: character 1 is a lone surrogate (expected: valid UTF-8)")
                .build());
    assertThat(
            mesh.policy()
                .logProbs(
                    LogProbsRequest.newBuilder()
                        .addItems(
                            LogProbsItem.newBuilder()
                                .setPrompt(text("a"))
                                .setCompletion(text("\uDE00")))
                        .build())
                .getResults(0)
                .getFailure()
                .getMessage())
        .isEqualTo("items[0].completion: character 0 is a lone surrogate (expected: valid UTF-8)");
    assertThat(mesh.models.decoder("1").requests).isEmpty();
  }

  @Test
  void theCharacterNulIsTextLikeAnyOther() {
    String suggestion = mesh.suggest("a\0b").getSuggestionId();
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", "key"))
                    .setEvent(
                        event()
                            .setSuggestionId(suggestion)
                            .setFollowUp(FollowUp.newBuilder().setText("c\0")))
                    .build());

    GetSuggestionResponse kept =
        mesh.feedback()
            .getSuggestion(GetSuggestionRequest.newBuilder().setSuggestionId(suggestion).build());
    assertThat(kept.getSuggestion().getPrompt()).isEqualTo("a\0b");
    assertThat(kept.getEvents(0).getFollowUp().getText()).isEqualTo("c\0");
  }

  @Test
  void noCompletionsAreAskedForAndAnAbsentCountIsOne() {
    SampleRequest.Builder one = SampleRequest.newBuilder().addPrompts(text("a"));
    for (int count : new int[] {0, -1}) {
      assertRefused(
          () -> mesh.policy().sample(one.clone().setCompletionsCount(count).build()),
          "completions_count: " + count + " (expected: 1 to 64)");
    }
    assertThat(mesh.policy().sample(one.build()).getResults(0).getGroup().getCompletionsList())
        .hasSize(1);
  }

  @Test
  void anAnswerThatNoMemoryHoldsIsNotBegun() {
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addAllPrompts(Collections.nCopies(1_024, text("a")))
                        .setCompletionsCount(64)
                        .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(65))
                        .build()),
        "completions_count: 1,024 prompts of 64 completions of up to 65 tokens are 4,259,840 tokens"
            + " (expected: at most 4,194,304 a call)");
    assertThat(mesh.models.decoder("1").requests).isEmpty();
  }

  @Test
  void feedbackTextOverTheLimit() {
    String text = "é".repeat(32_769);
    assertEventRefused(
        event().setEdited(Edited.newBuilder().setKeptCharacters(1).setFinalText(text)),
        "event.edited.final_text: 65,538 bytes, limit 65,536");
    assertEventRefused(
        event().setFollowUp(FollowUp.newBuilder().setText(text)),
        "event.follow_up.text: 65,538 bytes, limit 65,536");
  }

  @Test
  void aSuggestionThatIsNoId() {
    for (String id : List.of("", "1-1-1-1-1", "../../etc/passwd", "x".repeat(2_000))) {
      assertRefused(
          () ->
              mesh.feedback()
                  .getSuggestion(GetSuggestionRequest.newBuilder().setSuggestionId(id).build()),
          "suggestion_id: %,d characters (expected: a UUID)".formatted(id.length()));
    }
  }

  @Test
  void recordsOfANegativeNumber() {
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder().setMaxRecords(-1).build())
                .hasNext(),
        "max_records: -1 (expected: at least 0; 0 means all)");
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder()
                        .setSinceTime(Timestamp.newBuilder().setNanos(-1))
                        .build())
                .hasNext(),
        "since_time: 0 s, -1 ns (expected: years 1 to 9999, 0 to 999,999,999 ns)");
  }

  private void stream(SuggestRequest.Builder request) {
    mesh.policy()
        .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request).build())
        .forEachRemaining(event -> {});
  }

  private void assertEventRefused(FeedbackEvent.Builder event, String message) {
    assertRefused(
        () ->
            mesh.feedback()
                .recordFeedback(
                    RecordFeedbackRequest.newBuilder()
                        .setMetadata(TestMesh.metadata("", "key"))
                        .setEvent(event)
                        .build()),
        message);
  }

  private static FeedbackEvent.Builder event() {
    return FeedbackEvent.newBuilder()
        .setSuggestionId("019ab5f4-7a00-7000-8000-000000000000")
        .setRejected(Rejected.getDefaultInstance());
  }

  private static SuggestRequest.Builder request() {
    return SuggestRequest.newBuilder().setPrompt("int a = ");
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  /** Sends bytes as they are. */
  private static final class RawMarshaller implements MethodDescriptor.Marshaller<UnknownFieldSet> {
    @Override
    public InputStream stream(UnknownFieldSet value) {
      return value.toByteString().newInput();
    }

    @Override
    public UnknownFieldSet parse(InputStream stream) {
      throw new AssertionError("requests are only sent");
    }
  }
}
