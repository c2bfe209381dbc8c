package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static io.ballast.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestRuntime;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyCostModels;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DecideGenerationResponse;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.wiring.SafetyModule;
import io.ballast.testing.HeardLog;
import io.ballast.testing.LeftoverThreads;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The safety-server as a process starts it: real models from a model folder. */
class SafetyModuleTest {
  @TempDir Path models;
  @TempDir Path data;

  private final List<AutoCloseable> opened = new ArrayList<>();
  private final SafetyModule module =
      new SafetyModule(
          TestSafety.properties(Map.of("cost-model", "tiny-cost", "context-gate", "tiny-gate")),
          Optional.empty());

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
    opened.clear();
    module.close();
  }

  @Test
  void modelsOfAFolderJudge() throws IOException {
    var heads = costModel();
    gate();
    ManagedChannel channel = start();

    CostResponse response = cost(channel);
    assertThat(response.getModelVersion().getModel()).isEqualTo("tiny-cost");
    assertThat(response.getResults(0).hasFailure()).isFalse();
    DecideGenerationResponse decision = decide(channel);
    assertThat(decision.getAnswer().getModelVersion().getModel()).isEqualTo("tiny-gate");
    assertThat(heads).exists();
    assertThat(data.resolve("onnx")).isNotEmptyDirectory();
  }

  @Test
  void defaultsThatAreNotThereAreNamedWithTheMend() throws IOException {
    ManagedChannel channel = start();

    assertFails(
        () -> cost(channel),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        "cost_model.model: 'tiny-cost': there is no cost model of this name; it is the default:"
            + " put it into a model folder, or set ballast.safety.cost-model and"
            + " ballast.safety.cost-version");
    assertFails(
        () -> decide(channel),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        "gate model 'tiny-gate', version '1': in none of the model folders; put it there, or set"
            + " ballast.safety.context-gate and ballast.safety.context-gate-version");
  }

  @Test
  void aFlawOfAFileIsToldWithoutItsFolder() throws IOException {
    Path gate = gate();
    Files.writeString(gate.resolve("trees.ubj"), "not trees");
    var heads = costModel();
    Path next = TinyCostModels.heads(models, "tiny-cost", "2", ScoringKind.COST, 2, 6);
    ManagedChannel channel = start();
    byte[] weights = Files.readAllBytes(next.resolve(ModelManifest.WEIGHTS));
    weights[weights.length - 1] ^= 1;
    Files.write(next.resolve(ModelManifest.WEIGHTS), weights);

    assertThat(heads).exists();
    assertCorrupt(() -> decide(channel), "tiny-gate/1/trees.ubj: SHA-256 ");
    ModelSelector second = ModelSelector.newBuilder().setVersion("2").build();
    assertCorrupt(() -> cost(channel, second), "tiny-cost/2/model.safetensors: SHA-256 ");
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws Exception {
    var heads = costModel();
    gate();
    LeftoverThreads threads = new LeftoverThreads();
    assertThat(cost(start()).getResults(0).hasFailure()).isFalse();

    stop();
    module.close(); // again: nothing happens

    threads.assertNone();
    assertThat(heads).exists();
  }

  @Test
  void aKeyIsMadeOnOnePersonsComputerAndNowhereElse() throws Exception {
    assertThat(signingKey(start())).isEmpty();
    stop();

    String made = signingKey(start(new TestRuntime(List.of(models), data, true)));
    assertThat(made).isNotEmpty();
    assertThat(data.resolve("signing-keys").resolve("signing.pem")).exists();
    stop();

    // given by property, it serves anywhere
    Map<String, String> given =
        Map.of("cost-model", "tiny-cost", "signing-keys", data.resolve("signing-keys").toString());
    try (SafetyModule next = new SafetyModule(TestSafety.properties(given), Optional.empty())) {
      assertThat(signingKey(start(next, new TestRuntime(List.of(models), data)))).isEqualTo(made);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, , false, 1",
    "true, false, true, 1",
    "true, true, false, 0",
    "true, , true, 0",
    "false, false, false, 0"
  })
  void aWatchThatMayReadNothingIsToldAtTheStart(
      boolean watch, @Nullable Boolean allTenants, boolean ownsDatabase, int warnings)
      throws IOException {
    Map<String, String> given =
        Map.of("canary.watch", Boolean.toString(watch), "canary.max-blind", "PT20M");
    try (HeardLog log = HeardLog.of(SafetyModule.class.getName(), Level.WARNING);
        SafetyModule next =
            new SafetyModule(TestSafety.properties(given), Optional.ofNullable(allTenants))) {
      var unused = start(next, new TestRuntime(List.of(models), data, ownsDatabase));

      assertThat(log.messages())
          .hasSize(warnings)
          .allSatisfy(
              message ->
                  assertThat(message)
                      .contains("ballast.policy.all-tenants-decisions is off")
                      .contains("PT20M"));
    }
  }

  private static String signingKey(ManagedChannel channel) {
    return SafetyServiceGrpc.newBlockingStub(channel)
        .getVerificationKeys(GetVerificationKeysRequest.getDefaultInstance())
        .getSigningKeyId();
  }

  private static void assertCorrupt(ThrowingCallable call, String start) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).startsWith(start);
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DATA_LOSS);
              assertThat(PeerFaults.reason(e)).contains(Fault.CORRUPT_WEIGHTS);
            });
  }

  private Path costModel() throws IOException {
    var unused = TinyCostModels.trunk(models);
    return TinyCostModels.heads(models, "tiny-cost", "1", ScoringKind.COST, 2, 5);
  }

  private Path gate() throws IOException {
    GateStage stage = GateStage.CONTEXT;
    return TinyGates.write(
        models,
        "tiny-gate",
        "1",
        TinyGates.spec(stage, 0.5, 0.9, 0),
        TinyGates.trees(stage, FeatureSet.TEXT.names(stage).getFirst(), 10));
  }

  private ManagedChannel start() throws IOException {
    return start(new TestRuntime(List.of(models), data));
  }

  private ManagedChannel start(TestRuntime runtime) throws IOException {
    return start(module, runtime);
  }

  private ManagedChannel start(SafetyModule module, TestRuntime runtime) throws IOException {
    opened.add(runtime);
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    module.start(runtime).forEach(builder::addService);
    module.serving();
    Server server = builder.build().start();
    opened.add(server::shutdownNow);
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    opened.add(channel::shutdownNow);
    return channel;
  }

  private static CostResponse cost(ManagedChannel channel) {
    return cost(channel, ModelSelector.getDefaultInstance());
  }

  private static CostResponse cost(ManagedChannel channel, ModelSelector model) {
    return SafetyServiceGrpc.newBlockingStub(channel)
        .cost(
            CostRequest.newBuilder()
                .setCostModel(model)
                .addItems(item("x", "int a", " = 1;"))
                .build());
  }

  private static DecideGenerationResponse decide(ManagedChannel channel) {
    return DisplayGateServiceGrpc.newBlockingStub(channel)
        .decideGeneration(DecideGenerationRequest.newBuilder().setPrompt("int a").build());
  }
}
