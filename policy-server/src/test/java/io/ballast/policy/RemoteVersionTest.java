package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import io.ballast.inference.api.Decoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelConfigResponse;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.adapter.RemoteDecoders;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.FolderFacts;
import io.ballast.policy.core.version.LoadedDecoder;
import io.ballast.policy.core.version.RemoteVersion;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.testing.TinyModel;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A version that another server runs is sampled like any other, and its troubles are typed. */
class RemoteVersionTest {
  private static final String TOKEN = "a-token-that-nobody-may-see";

  @TempDir Path folder;

  private final AtomicReference<Headers> headers = new AtomicReference<>(new Headers());
  private final FakeModels models = new FakeModels();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    TinyModel.writeTo(folder);
    Files.writeString(folder.resolve("token"), TOKEN + "\n");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/v1/completions",
        exchange -> {
          headers.set(exchange.getRequestHeaders());
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
          exchange.sendResponseHeaders(200, 0);
          // as vLLM tells tokens when asked for ids: "o" and "k"
          String events =
              event('o' + 1, -0.25, "o", "null") + event('k' + 1, -0.5, "k", "\"stop\"");
          exchange
              .getResponseBody()
              .write((events + "data: [DONE]\n\n").getBytes(StandardCharsets.UTF_8));
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private static String event(int id, double logProb, String text, String finish) {
    return """
        data: {"choices":[{"text":"%s","finish_reason":%s,\
        "logprobs":{"tokens":["token_id:%d"],"token_logprobs":[%s]}}]}

        """
        .formatted(text, finish, id, logProb);
  }

  @Test
  void itIsSampledAndSuggestsLikeAnyOther() {
    try (TestMesh mesh = TestMesh.start(decoders(remote()), models)) {
      PolicyVersion registered = register(mesh);
      Completion completion =
          mesh.policy().sample(sample()).getResults(0).getGroup().getCompletions(0);
      String suggested =
          mesh.policy()
              .suggest(SuggestRequest.newBuilder().setPrompt("int x = ").setPolicy(big()).build())
              .getText();

      assertThat(registered.getContextTokens()).isEqualTo(48); // config.json says so
      assertThat(completion.getText()).isEqualTo("ok");
      assertThat(completion.getTokens().getTokenIdsList()).containsExactly('o' + 1, 'k' + 1);
      assertThat(completion.getLogProbsList()).containsExactly(-0.25f, -0.5f);
      assertThat(suggested).isEqualTo("ok");
      assertThat(headers.get().getFirst("Authorization")).isEqualTo("Bearer " + TOKEN);
    }
  }

  @Test
  void givenCompletionsCannotBeScoredThere() {
    try (TestMesh mesh = TestMesh.start(decoders(remote()), models)) {
      var unused = register(mesh);
      assertThatThrownBy(
              () ->
                  mesh.policy()
                      .logProbs(
                          LogProbsRequest.newBuilder()
                              .setPolicy(big())
                              .addItems(
                                  LogProbsItem.newBuilder()
                                      .setPrompt(text("a"))
                                      .setCompletion(text("b")))
                              .build()))
          .hasMessageStartingWith("UNIMPLEMENTED: ")
          .hasMessageContaining("log-probabilities are told of what the server draws");
    }
  }

  @Test
  void aServerThatIsAwayIsADependencyThatIsDown() {
    try (TestMesh mesh = TestMesh.start(decoders(remote()), models)) {
      var unused = register(mesh);
      server.stop(0);

      assertThatThrownBy(() -> mesh.policy().sample(sample()))
          .hasMessageStartingWith("UNAVAILABLE: ")
          .satisfies(e -> assertThat(e.getMessage()).doesNotContain(TOKEN));
      assertThatThrownBy(
              () ->
                  mesh.policy()
                      .suggest(SuggestRequest.newBuilder().setPrompt("a").setPolicy(big()).build()))
          .hasMessageStartingWith("UNAVAILABLE: ");
      // and what is here goes on
      assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"VLLM", "TENSORRT_LLM"})
  void aTritonThatIsAwayIsADependencyThatIsDown(RemoteVersion.Kind kind) {
    RemoteDecoders decoders =
        decoders(remote(kind, "127.0.0.1:1", Optional.empty(), Optional.empty()));

    assertThatThrownBy(() -> decoders.load(pinned(decoders)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));
  }

  /** It is asked for again with each call: nothing large is read, and kept, for nothing. */
  @ParameterizedTest
  @EnumSource(names = {"VLLM", "TENSORRT_LLM"})
  void theTokenizerOfATritonThatIsAwayIsNotRead(RemoteVersion.Kind kind) throws IOException {
    Files.writeString(
        folder.resolve(TinyModel.NAME).resolve(TinyModel.VERSION).resolve("tokenizer.json"),
        "no tokenizer");
    RemoteDecoders decoders =
        decoders(remote(kind, "127.0.0.1:1", Optional.empty(), Optional.empty()));

    assertThatThrownBy(() -> decoders.load(pinned(decoders)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));
  }

  /** The request is well-formed: what is wrong is there. */
  @ParameterizedTest
  @EnumSource(names = {"VLLM", "TENSORRT_LLM"})
  void aTritonWhoseModelIsOfAnotherConventionIsADependencyThatIsBroken(RemoteVersion.Kind kind)
      throws IOException {
    Server triton =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(new OtherConvention())
            .build()
            .start();
    try {
      RemoteDecoders decoders =
          decoders(
              remote(kind, "127.0.0.1:" + triton.getPort(), Optional.empty(), Optional.empty()));

      assertThatThrownBy(() -> decoders.load(pinned(decoders)))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN))
          .hasMessageStartingWith("model 'm': lacks [text_input, ");
    } finally {
      triton.shutdownNow();
    }
  }

  /** A model that takes and gives nothing. */
  private static final class OtherConvention
      extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    @Override
    public void modelMetadata(
        ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
      observer.onNext(ModelMetadataResponse.newBuilder().setName("m").build());
      observer.onCompleted();
    }

    @Override
    public void modelConfig(
        ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
      observer.onNext(ModelConfigResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }

  @Test
  void oneThatServesAndIsAwayDoesNotStopTheStart() {
    models.publish("2", request -> "suggestion by 2;");
    RemoteVersion serving =
        new RemoteVersion(
            "java-tiny",
            "1",
            RemoteVersion.Kind.TENSORRT_LLM,
            "127.0.0.1:1",
            "tensorrt_llm",
            folder.resolve(TinyModel.NAME).resolve(TinyModel.VERSION),
            OptionalInt.empty(),
            Optional.empty(),
            Optional.empty(),
            false,
            false,
            Duration.ofSeconds(20));

    try (TestMesh mesh = TestMesh.start(decoders(serving), models)) {
      assertThatThrownBy(() -> mesh.suggest("a"))
          .hasMessageStartingWith("UNAVAILABLE: ")
          .hasMessageContaining("model 'tensorrt_llm': ");
      // and what is here goes on
      var unused =
          mesh.versions()
              .registerVersion(
                  RegisterVersionRequest.newBuilder()
                      .setModel("java-tiny")
                      .setVersion("2")
                      .build());
      assertThat(
              mesh.policy()
                  .suggest(
                      SuggestRequest.newBuilder()
                          .setPrompt("a")
                          .setPolicy(
                              ModelSelector.newBuilder().setModel("java-tiny").setVersion("2"))
                          .build())
                  .getText())
          .isEqualTo("suggestion by 2;");
    }
  }

  @Test
  void oneThatWasAwayAtTheStartServesAsSoonAsItIsBack() {
    AtomicBoolean away = new AtomicBoolean(true);
    DecoderLoader elsewhere =
        new DecoderLoader() {
          @Override
          public FolderFacts inspect(String model, String version) {
            return models.inspect(model, version);
          }

          @Override
          public LoadedDecoder load(PinnedVersion version) {
            if (away.get()) {
              throw new MeshException(Fault.DEPENDENCY_DOWN, "nobody there");
            }
            return models.load(version);
          }
        };

    try (TestMesh mesh = TestMesh.start(elsewhere, models)) {
      assertThatThrownBy(() -> mesh.suggest("a")).hasMessage("UNAVAILABLE: nobody there");
      assertThatThrownBy(() -> mesh.suggest("a")).hasMessage("UNAVAILABLE: nobody there");

      away.set(false);

      assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
    }
  }

  @Test
  void whatIsNotAwayButBrokenStillStopsTheStart() {
    DecoderLoader broken =
        new DecoderLoader() {
          @Override
          public FolderFacts inspect(String model, String version) {
            return models.inspect(model, version);
          }

          @Override
          public LoadedDecoder load(PinnedVersion version) {
            throw new MeshException(Fault.CORRUPT_WEIGHTS, "not those");
          }
        };

    assertThatThrownBy(() -> TestMesh.start(broken, models).close())
        .isInstanceOf(MeshException.class)
        .hasMessage("not those");
  }

  @Test
  void aVersionThatWasRegisteredForAnotherPlaceIsNotThisOne() {
    RemoteDecoders before = decoders(remote());
    RemoteDecoders after =
        decoders(
            remote(
                RemoteVersion.Kind.OPENAI,
                "http://127.0.0.1:1",
                Optional.empty(),
                Optional.empty()));

    assertThatThrownBy(() -> after.load(pinned(before)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageStartingWith("version 7 of big was registered for another server");
  }

  @Test
  void aTokenComesFromTheEnvironmentOrIsMissedByName() throws IOException {
    RemoteVersion byVariable =
        remote(RemoteVersion.Kind.OPENAI, url(), Optional.empty(), Optional.of("BIG_TOKEN"));
    RemoteDecoders with = new RemoteDecoders(List.of(byVariable), models, name -> TOKEN);
    RemoteDecoders without = new RemoteDecoders(List.of(byVariable), models, name -> null);

    LoadedDecoder loaded = with.load(pinned(with));
    try (Decoder decoder = loaded.decoder()) {
      assertThat(decoder.contextTokens()).isEqualTo(48);
      assertThat(loaded.folderSha256()).as("none: its place stands for it").isEmpty();
    }
    assertThatThrownBy(() -> without.load(pinned(without)))
        .hasMessage(
            "version 7 of big: token-variable: BIG_TOKEN is not set (expected: a variable of the"
                + " environment with the token)");
    RemoteVersion byFile =
        remote(
            RemoteVersion.Kind.OPENAI,
            url(),
            Optional.of(folder.resolve("no-file")),
            Optional.empty());
    assertThatThrownBy(() -> decoders(byFile).load(pinned(decoders(byFile))))
        .hasMessage(
            "version 7 of big: token-file: cannot be read (expected: a file with the token)");
    Files.writeString(folder.resolve("no-file"), " \n");
    assertThatThrownBy(() -> decoders(byFile).load(pinned(decoders(byFile))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage("version 7 of big: token-file: blank (expected: the token)");
    assertThat(byFile.toString() + byVariable).doesNotContain(TOKEN);
  }

  @Test
  void aFolderWithoutATokenizerIsNamedWithoutItsPath() throws IOException {
    Files.delete(
        folder.resolve(TinyModel.NAME).resolve(TinyModel.VERSION).resolve("tokenizer.json"));

    assertThatThrownBy(() -> decoders(remote()).inspect("big", "7"))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage("big/7 (remote)/tokenizer.json: cannot be read");
  }

  private RemoteDecoders decoders(RemoteVersion remote) {
    return new RemoteDecoders(List.of(remote), models, name -> null);
  }

  private static PinnedVersion pinned(RemoteDecoders decoders) {
    FolderFacts facts = decoders.inspect("big", "7");
    return new PinnedVersion("big", "7", facts.weightsSha256());
  }

  private RemoteVersion remote() {
    return remote(
        RemoteVersion.Kind.OPENAI, url(), Optional.of(folder.resolve("token")), Optional.empty());
  }

  private String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private RemoteVersion remote(
      RemoteVersion.Kind kind, String url, Optional<Path> tokenFile, Optional<String> variable) {
    return new RemoteVersion(
        "big",
        "7",
        kind,
        url,
        "m",
        folder.resolve(TinyModel.NAME).resolve(TinyModel.VERSION),
        OptionalInt.empty(),
        tokenFile,
        variable,
        false,
        false,
        Duration.ofSeconds(20));
  }

  private static PolicyVersion register(TestMesh mesh) {
    return mesh.versions()
        .registerVersion(
            RegisterVersionRequest.newBuilder().setModel("big").setVersion("7").build())
        .getVersion();
  }

  private static ModelSelector big() {
    return ModelSelector.newBuilder().setModel("big").setVersion("7").build();
  }

  private static SampleRequest sample() {
    return SampleRequest.newBuilder()
        .setPolicy(big())
        .addPrompts(text("int x = "))
        .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(4).setSeed(3))
        .build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
