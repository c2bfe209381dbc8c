package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.testing.TestRuntime;
import io.ballast.policy.testing.TinyModel;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResult;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.wiring.PolicyModule;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What callers see of bad input and of bad numbers where a real decoder answers: who sent it or met
 * it hears of it by name, and the others get what they get alone.
 */
class RealDecoderTest {
  private static final int CONTEXT_TOKENS = 48;

  /** With this character a text's numbers overflow, though all weights are finite. */
  private static final char SPOILED = '~';

  private static final int WIDTH = 16;

  @TempDir Path models;

  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final PolicyModule module =
      new PolicyModule(TestMesh.properties(Map.of("ballast.policy.default-model", TinyModel.NAME)));
  private final ManagedChannel nobody = InProcessChannelBuilder.forName("nobody").build();
  private PolicyServiceBlockingStub policy = PolicyServiceGrpc.newBlockingStub(nobody);

  @BeforeEach
  void start() throws IOException {
    TinyModel.writeTo(models);
    change(
        "1",
        (name, values) -> {
          if (name.equals("model.embed_tokens.weight")) {
            for (int id = 0; id < TinyModel.VOCABULARY; id++) {
              values[id * WIDTH] = id == SPOILED + 1 ? 1 : 0;
            }
          } else if (name.equals("model.layers.0.input_layernorm.weight")) {
            values[0] = Float.MAX_VALUE;
          }
        });
    channels.add(nobody);
    policy =
        PolicyServiceGrpc.newBlockingStub(
            serve(
                module.start(
                    new TestRuntime(
                        TestDatabase.create(),
                        nobody,
                        nobody,
                        new TestClock(),
                        new SimpleMeterRegistry(),
                        List.of(models)))));
    module.serving();
  }

  @AfterEach
  void stop() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    module.close();
  }

  private ManagedChannel serve(List<BindableService> services) throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    services.forEach(builder::addService);
    servers.add(builder.build().start());
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    channels.add(channel);
    return channel;
  }

  /** Writes a version's weights anew, with the checksums that belong to them. */
  private void change(String version, BiConsumer<String, float[]> change) throws IOException {
    Path folder = models.resolve(TinyModel.NAME).resolve(version);
    Path file = folder.resolve(ModelManifest.WEIGHTS);
    SafetensorsFile weights = SafetensorsFile.open(file);
    List<Content> contents = new ArrayList<>();
    for (String name : weights.names()) {
      List<Long> shape = weights.shape(name);
      float[] values = weights.read(name, shape);
      change.accept(name, values);
      contents.add(new Content(name, WeightType.FLOAT32, shape, () -> values));
    }
    SafetensorsFile.write(file, contents, Map.of());
    var unused = ModelManifest.write(folder, Map.of());
  }

  /** Draws anything but the spoiled character, the likeliest first. */
  private static SamplingOptions.Builder greedy() {
    return SamplingOptions.newBuilder()
        .setTemperature(0)
        .setMaxNewTokens(8)
        .putLogitBias(SPOILED + 1, -100);
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static SuggestRequest suggest(String prompt, SamplingOptions.Builder sampling) {
    return SuggestRequest.newBuilder().setPrompt(prompt).setSampling(sampling).build();
  }

  private void drain(SuggestRequest request) {
    policy
        .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request).build())
        .forEachRemaining(event -> {});
  }

  private List<SampleResult> sample(SamplingOptions.Builder sampling, TextOrTokens... prompts) {
    return policy
        .sample(
            SampleRequest.newBuilder()
                .addAllPrompts(List.of(prompts))
                .setSampling(sampling)
                .build())
        .getResultsList();
  }

  private List<LogProbsResult> logProbs(LogProbsItem... items) {
    return policy
        .logProbs(LogProbsRequest.newBuilder().addAllItems(List.of(items)).build())
        .getResultsList();
  }

  private static LogProbsItem item(String prompt, String completion) {
    return LogProbsItem.newBuilder()
        .setPrompt(text(prompt))
        .setCompletion(text(completion))
        .build();
  }

  private static void assertFailure(ItemFailure failure, FailureReason reason, String message) {
    assertThat(failure)
        .isEqualTo(ItemFailure.newBuilder().setReason(reason).setMessage(message).build());
  }

  @Test
  void aPromptOverTheContextKeepsItsEndAndTokensOverItFailAlone() {
    String longer = "abcdefghij".repeat(100);
    String end = longer.substring(longer.length() - (CONTEXT_TOKENS - 8));
    assertThat(policy.suggest(suggest(longer, greedy())).getText())
        .isEqualTo(policy.suggest(suggest(end, greedy())).getText());

    TokenSequence.Builder tokens = TokenSequence.newBuilder();
    for (int i = 0; i < CONTEXT_TOKENS; i++) {
      tokens.addTokenIds('a' + 1);
    }
    List<SampleResult> drawn =
        sample(
            greedy(), TextOrTokens.newBuilder().setTokens(tokens).build(), text(longer), text(end));
    assertFailure(
        drawn.get(0).getFailure(),
        FailureReason.FAILURE_REASON_TOO_LONG,
        "prompts[0]: 48 tokens, limit 47");
    assertThat(drawn.get(1).getGroup().getPromptTokens().getTokenIdsCount())
        .isEqualTo(CONTEXT_TOKENS - 8);
    assertThat(drawn.get(1).getGroup()).isEqualTo(drawn.get(2).getGroup());

    List<LogProbsResult> judged = logProbs(item(end, "x".repeat(20)), item("int", " i"));
    assertFailure(
        judged.get(0).getFailure(),
        FailureReason.FAILURE_REASON_TOO_LONG,
        "items[0]: 60 tokens, limit 48");
    assertThat(judged.get(1)).isEqualTo(logProbs(item("int", " i")).getFirst());
  }

  @Test
  void optionsThatLeaveNoTokenAreNamedAsTheOptions() {
    // the text is complete after two tokens, and may not end before the fifth
    SamplingOptions.Builder stuck = greedy().setRegex("ab").setMinNewTokens(5);
    String message = "sampling: the sampling options leave no token to draw";

    assertRefused(() -> policy.suggest(suggest("int i", stuck)), message);
    assertRefused(() -> drain(suggest("int i", stuck)), message);
    assertFailure(
        sample(stuck, text("int i")).getFirst().getFailure(),
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "prompts[0]: the sampling options leave no token to draw");
  }

  @Test
  void aPromptWhoseNumbersOverflowFailsAlone() {
    String bad = "int " + SPOILED + " = ";
    List<SampleResult> drawn = sample(greedy(), text("int i"), text(bad), text("int j"));
    assertFailure(
        drawn.get(1).getFailure(),
        FailureReason.FAILURE_REASON_MODEL_ERROR,
        "prompts[1]: logits: not all are finite");
    for (int i : new int[] {0, 2}) {
      assertThat(drawn.get(i).getGroup().getCompletions(0).getTokens())
          .isEqualTo(
              sample(greedy(), text(i == 0 ? "int i" : "int j"))
                  .getFirst()
                  .getGroup()
                  .getCompletions(0)
                  .getTokens());
    }

    var unused =
        assertFails(
            () -> policy.suggest(suggest(bad, greedy())),
            Status.Code.INTERNAL,
            Fault.DEPENDENCY_BROKEN,
            "logits: not all are finite");
    unused =
        assertFails(
            () -> drain(suggest(bad, greedy())),
            Status.Code.INTERNAL,
            Fault.DEPENDENCY_BROKEN,
            "logits: not all are finite");
    assertThat(policy.suggest(suggest("int i", greedy())).getSuggestionId()).isNotEmpty();
  }

  @Test
  void aSequenceWhoseNumbersOverflowFailsAlone() {
    LogProbsItem good = item("int i", " = 1;");
    List<LogProbsResult> judged = logProbs(good, item("int i", " = " + SPOILED + ";"), good);
    assertFailure(
        judged.get(1).getFailure(),
        FailureReason.FAILURE_REASON_MODEL_ERROR,
        "items[1]: log-probability: NaN, entropy: NaN (expected: finite)");
    LogProbsResult alone = logProbs(good).getFirst();
    assertThat(alone.getValue().getLogProbsList()).hasSize(5).allMatch(Float::isFinite);
    assertThat(List.of(judged.get(0), judged.get(2))).containsOnly(alone);
  }

  @Test
  void bytesThatAreNoTextReachNobody() {
    // a model of random weights over bytes draws hardly anything that is UTF-8
    int replaced = 0;
    for (long seed = 0; seed < 20; seed++) {
      StringBuilder pieces = new StringBuilder();
      String text = "";
      var events =
          policy.suggestStream(
              SuggestStreamRequest.newBuilder()
                  .setRequest(
                      suggest(
                          "int i", greedy().setTemperature(1).setMaxNewTokens(24).setSeed(seed)))
                  .build());
      while (events.hasNext()) {
        SuggestStreamResponse event = events.next();
        assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(event.getTextDelta())).isTrue();
        pieces.append(event.getTextDelta());
        text = event.getFinished().getText();
      }
      assertThat(text).isEqualTo(pieces.toString());
      replaced += text.contains("\uFFFD") ? 1 : 0;
    }
    assertThat(replaced).isGreaterThan(10);
  }

  @Test
  void aVersionWithANanWeightOrAnothersTokenizerServesNobodyAndTheServedOneGoesOn()
      throws IOException {
    TinyModel.writeTo(models, "2");
    change(
        "2",
        (name, values) -> {
          if (name.equals("model.norm.weight")) {
            values[3] = Float.NaN;
          }
        });
    TinyModel.writeTo(models, "3");
    Path folder = models.resolve(TinyModel.NAME).resolve("3");
    Path tokenizer = folder.resolve("tokenizer.json");
    Files.writeString(
        tokenizer,
        Files.readString(tokenizer).replace("\"vocab\":{", "\"vocab\":{\"another\":257,"));
    var unused = ModelManifest.write(folder, Map.of());
    for (String version : List.of("2", "3")) {
      var registered =
          VersionServiceGrpc.newBlockingStub(policy.getChannel())
              .registerVersion(
                  RegisterVersionRequest.newBuilder()
                      .setModel(TinyModel.NAME)
                      .setVersion(version)
                      .build());
      var ignored =
          assertFails(
              () ->
                  policy.sample(
                      SampleRequest.newBuilder()
                          .setPolicy(ModelSelector.newBuilder().setVersion(version))
                          .addPrompts(text("int i"))
                          .build()),
              Status.Code.FAILED_PRECONDITION,
              Fault.PRECONDITION_FAILED,
              version.equals("2")
                  ? "tiny/2: tensor model.norm.weight[3]: NaN (expected: finite)"
                  : "tokenizer: 258 ids (expected: at most vocab_size 257)");
    }
    assertThat(sample(greedy(), text("int i")).getFirst().hasGroup()).isTrue();
  }
}
