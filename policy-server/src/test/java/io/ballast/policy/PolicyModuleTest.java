package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.testing.TestRuntime;
import io.ballast.policy.testing.TinyModel;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResult;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.TokenLogProbs;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.wiring.PolicyModule;
import io.ballast.testing.LeftoverThreads;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The policy-server as a process starts it: a real decoder from a model folder. */
class PolicyModuleTest {
  @TempDir Path empty;
  @TempDir Path models;

  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final PolicyModule module =
      new PolicyModule(TestMesh.properties(Map.of("ballast.policy.default-model", TinyModel.NAME)));

  @BeforeEach
  void publish() {
    TinyModel.writeTo(models);
  }

  @AfterEach
  void stop() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    module.close();
  }

  @Test
  void itServesWithoutADatabaseUnlessWhatIsNotRecordedIsNotAnswered() {
    assertThat(new PolicyModule(TestMesh.properties(Map.of())).servesWithoutDatabase()).isTrue();
    assertThat(
            new PolicyModule(
                    TestMesh.properties(
                        Map.of("ballast.policy.decisions-on-database-down", "REFUSE")))
                .servesWithoutDatabase())
        .isFalse();
  }

  @Test
  void whatItDrawsHasTheProbabilitiesThatItDrewWith() throws IOException {
    PolicyServiceBlockingStub policy = PolicyServiceGrpc.newBlockingStub(start());

    SampleResponse drawn =
        policy.sample(
            SampleRequest.newBuilder()
                .addPrompts(TextOrTokens.newBuilder().setText("int i = "))
                .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(8).setSeed(3))
                .build());
    Completion completion = drawn.getResults(0).getGroup().getCompletions(0);
    LogProbsResult judged =
        policy
            .logProbs(
                LogProbsRequest.newBuilder()
                    .setPolicy(ModelSelector.newBuilder().setVersion(TinyModel.VERSION))
                    .setWithEntropies(true)
                    .setAlternativesCount(128)
                    .addItems(
                        LogProbsItem.newBuilder()
                            .setPrompt(
                                TextOrTokens.newBuilder()
                                    .setTokens(drawn.getResults(0).getGroup().getPromptTokens()))
                            .setCompletion(
                                TextOrTokens.newBuilder().setTokens(completion.getTokens())))
                    .build())
            .getResults(0);

    assertThat(drawn.getPolicyVersion().getModel()).isEqualTo(TinyModel.NAME);
    assertThat(drawn.getPolicyVersion().getWeightsSha256()).isEqualTo(TinyModel.sha256(models));
    assertThat(judged.getFailure().getMessage()).isEmpty();
    assertThat(judged.getValue().getLogProbsCount()).isEqualTo(completion.getLogProbsCount());
    for (int t = 0; t < completion.getLogProbsCount(); t++) {
      // products are in bfloat16, which has 8 bits of mantissa
      assertThat(judged.getValue().getLogProbs(t))
          .isCloseTo(completion.getLogProbs(t), within(0.05f));
      assertLikely(judged.getValue(), t);
    }
  }

  @Test
  void whatDoesNotFitBesideTheOthersIsRefusedWithTheArithmetic() throws IOException {
    TinyModel.writeTo(models, "2");
    // a version needs 5 to 9 MiB: one fits, two do not
    PolicyModule narrow = module(Map.of("memory-mebibytes", "9", "key-value-mebibytes", "1"));
    try {
      Channel channel = serve(narrow.start(runtime(List.of(models))));
      register(channel, "2");

      assertThatThrownBy(
              () ->
                  PolicyServiceGrpc.newBlockingStub(channel)
                      .sample(
                          SampleRequest.newBuilder()
                              .setPolicy(ModelSelector.newBuilder().setVersion("2"))
                              .addPrompts(TextOrTokens.newBuilder().setText("int i = "))
                              .build()))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED))
          .hasMessageContaining("tiny/2: needs ")
          .hasMessageContaining(" MiB of 9 are free; loaded: tiny/1 ");
    } finally {
      narrow.close();
    }
  }

  @Test
  void whatNeverFitsIsNoMatterOfWaiting() {
    PolicyModule tooNarrow = module(Map.of("memory-mebibytes", "1", "key-value-mebibytes", "1"));

    assertThatThrownBy(() -> tooNarrow.start(runtime(List.of(models))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageContaining("tiny/1: needs ")
        .hasMessageContaining("keys and values 2")
        .hasMessageContaining("more than ballast.policy.memory-mebibytes: 1");
  }

  @Test
  void batchInvariantCompletionsAreTheSameInAnyCompany() throws IOException {
    PolicyModule invariant = module(Map.of("batch-invariant", "true"));
    try {
      PolicyServiceBlockingStub policy =
          PolicyServiceGrpc.newBlockingStub(serve(invariant.start(runtime(List.of(models)))));
      SampleRequest.Builder one =
          SampleRequest.newBuilder()
              .addPrompts(TextOrTokens.newBuilder().setText("int i = "))
              .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(8).setSeed(3));
      SampleRequest.Builder many = one.clone();
      for (int i = 0; i < 20; i++) {
        many.addPrompts(TextOrTokens.newBuilder().setText("x".repeat(i + 1)));
      }

      // log-probabilities too, bit by bit
      assertThat(policy.sample(many.build()).getResults(0))
          .isEqualTo(policy.sample(one.build()).getResults(0));
    } finally {
      invariant.close();
    }
  }

  @Test
  void aDamagedVersionIsNotRegistered() throws IOException {
    TinyModel.writeTo(models, "2");
    Files.writeString(
        models.resolve(TinyModel.NAME).resolve("2").resolve("model.safetensors"),
        "x",
        StandardOpenOption.APPEND);
    Channel channel = start();

    assertThatThrownBy(
            () ->
                VersionServiceGrpc.newBlockingStub(channel)
                    .registerVersion(
                        RegisterVersionRequest.newBuilder()
                            .setModel(TinyModel.NAME)
                            .setVersion("2")
                            .build()))
        .isInstanceOf(StatusRuntimeException.class)
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.DATA_LOSS);
  }

  @Test
  void withoutItsFirstVersionItSaysWhatToDo() {
    assertThatThrownBy(() -> module.start(runtime(List.of(empty))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNKNOWN_MODEL))
        .hasMessageContaining("no model folder has version 1 of tiny")
        .hasMessageContaining("ballast.policy.default-model");
  }

  @Test
  void aFolderWithoutAManifestCannotServe() throws IOException {
    Files.delete(models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION).resolve("ballast.json"));

    assertThatThrownBy(() -> module.start(runtime(List.of(models))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageContaining("ballast.json")
        .hasMessageNotContaining(models.toString());
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws IOException {
    LeftoverThreads threads = new LeftoverThreads();
    SampleResponse drawn =
        PolicyServiceGrpc.newBlockingStub(start())
            .sample(
                SampleRequest.newBuilder()
                    .addPrompts(TextOrTokens.newBuilder().setText("int i = "))
                    .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(2))
                    .build());
    assertThat(drawn.getResults(0).hasGroup()).isTrue();

    stop();
    module.close(); // again: nothing happens

    threads.assertNone();
  }

  /** Entropy and alternatives of a place agree with each other and with the token that is there. */
  private static void assertLikely(TokenLogProbs told, int t) {
    List<Float> likeliest = told.getAlternatives(t).getLogProbsList();
    assertThat(likeliest).hasSize(128).isSortedAccordingTo(Comparator.reverseOrder());
    assertThat(told.getAlternatives(t).getTokenIdsList())
        .doesNotHaveDuplicates()
        .allMatch(id -> id >= 0 && id < TinyModel.VOCABULARY);
    int place = told.getAlternatives(t).getTokenIdsList().indexOf(told.getTokens().getTokenIds(t));
    if (place < 0) {
      assertThat(told.getLogProbs(t)).isLessThanOrEqualTo(likeliest.getLast());
    } else {
      assertThat(told.getLogProbs(t)).isEqualTo(likeliest.get(place));
    }
    // no tokens have more entropy together than V equally likely ones; those named have part of it
    double named = likeliest.stream().mapToDouble(p -> -p * Math.exp(p)).sum();
    assertThat((double) told.getEntropies(t)).isBetween(named, Math.log(TinyModel.VOCABULARY));
  }

  private static PolicyModule module(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>();
    properties.forEach((name, value) -> all.put("ballast.policy." + name, value));
    all.put("ballast.policy.default-model", TinyModel.NAME);
    return new PolicyModule(TestMesh.properties(all));
  }

  private static void register(Channel channel, String version) {
    var unused =
        VersionServiceGrpc.newBlockingStub(channel)
            .registerVersion(
                RegisterVersionRequest.newBuilder()
                    .setModel(TinyModel.NAME)
                    .setVersion(version)
                    .build());
  }

  private Channel start() throws IOException {
    List<BindableService> services = module.start(runtime(List.of(empty, models)));
    module.serving();
    return serve(services);
  }

  private TestRuntime runtime(List<Path> folders) {
    ManagedChannel nobody = InProcessChannelBuilder.forName("nobody").build();
    channels.add(nobody);
    return new TestRuntime(
        TestDatabase.create(), nobody, nobody, new TestClock(), new SimpleMeterRegistry(), folders);
  }

  private Channel serve(List<BindableService> services) throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    services.forEach(builder::addService);
    servers.add(builder.build().start());
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    channels.add(channel);
    return channel;
  }
}
