package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.opentelemetry.api.OpenTelemetry;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input gets one clear, typed answer that names the field, its value and its range. */
class BadInputTest extends BadInputCase {
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

  @Test
  void aPseudonymThatIsTooLong() {
    assertRefused(
        () -> mesh.policy().suggest(request().setUser("u".repeat(129)).build()),
        "user: 129 characters (expected: at most 128)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\0", "ada\n"})
  void aPseudonymThatNoColumnHoldsOrNoDeletionCouldName(String user) {
    assertRefused(
        () -> mesh.policy().suggest(request().setUser(user).build()),
        "user: character %d is U+%04X (expected: no control characters)"
            .formatted(user.length() - 1, (int) user.charAt(user.length() - 1)));
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
