package io.ballast.safety;

import static io.ballast.testing.Refusals.fault;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.testing.fuzz.FuzzedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever bytes come as a request, the answer is typed, and the next request is answered. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedRequestsTest {
  private static final long SEED = 8;

  @TempDir static Path gates = Path.of("");

  private static TestSafety mesh;
  static FuzzedServer server;

  @BeforeAll
  static void start() throws IOException {
    var unused =
        TinyGates.write(
            gates,
            "java-gate-context",
            "1",
            TinyGates.spec(GateStage.CONTEXT, 0.5, 0.99, 0),
            TinyGates.trees(GateStage.CONTEXT, "line_characters", 10));
    unused =
        TinyGates.write(
            gates,
            "java-gate-suggestion",
            "1",
            TinyGates.spec(GateStage.SUGGESTION, 0.5, 0, 0),
            TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10));
    mesh = TestSafety.start(gates, Map.of());
    SafetyTest test = mesh.run(TestSafety.testOf(TestSafety.prompts(8)).build());
    server =
        FuzzedServer.start(
                mesh.services(),
                List.of(mesh.costs(), mesh.gates()),
                Map.of(
                    "model",
                    List.of("", "java-cost", FakePolicyServer.candidate("a").getModel()),
                    "model_name",
                    List.of("java-cost", "java-gate-context"),
                    "version",
                    List.of("", "1", "2", "a"),
                    "test_id",
                    List.of(test.getTestId()),
                    "certificate_id",
                    List.of(test.getCertificateId()),
                    "tenant",
                    List.of("", "default"),
                    "item_id",
                    List.of(""),
                    "name",
                    List.of("prompt", "completion", "cost"),
                    "datatype",
                    List.of("BYTES", "BYTES", "INT64", "FP32")),
                List.of("GetSafetyTest"))
            .good(
                SafetyServiceGrpc.getCostMethod(),
                CostRequest.newBuilder()
                    .setCostModel(ModelSelector.newBuilder().setModel("java-cost").setVersion("2"))
                    .addItems(TestSafety.item("", "p", "ok"))
                    .addItems(TestSafety.item("x", "p", "fine"))
                    .build())
            .good(
                DisplayGateServiceGrpc.getDecideGenerationMethod(),
                DecideGenerationRequest.newBuilder().setPrompt("int a").build())
            .good(
                DisplayGateServiceGrpc.getDecideDisplayMethod(),
                DecideDisplayRequest.newBuilder().setPrompt("int a").setSuggestion(" = 1;").build())
            .good(
                SafetyServiceGrpc.getGetSafetyTestMethod(),
                GetSafetyTestRequest.newBuilder().setTestId(test.getTestId()).build());
  }

  @AfterAll
  static void stop() {
    server.close();
    mesh.close();
  }

  @Test
  void aGateThatNoFolderCouldHoldIsUnknown() {
    for (String name : List.of("a/b", "../x", "\0")) {
      assertThat(
              fault(
                  () ->
                      mesh.gate()
                          .decideDisplay(
                              DecideDisplayRequest.newBuilder()
                                  .setPrompt("int a")
                                  .setSuggestion(" = 1;")
                                  .setGateVersion(
                                      ModelVersion.newBuilder()
                                          .setModel("x" + name)
                                          .setVersion(name))
                                  .build())))
          .isEqualTo(Fault.UNKNOWN_MODEL);
    }
  }

  @Test
  void messagesOfEveryKindOfFlaw() {
    server.assertTyped(SEED);
  }
}
