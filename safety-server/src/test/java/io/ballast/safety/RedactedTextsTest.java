package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.testing.OverheardServer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is judged stands in no log, span, status or failure of an item, however a call ends. */
class RedactedTextsTest {
  private static final String MARKER = "hunter2-of-the-user";

  @Test
  void costsGatesAndTestsThatFail() {
    try (TestSafety mesh = TestSafety.start(Map.of());
        OverheardServer server = OverheardServer.start(mesh.services())) {
      var safety = SafetyServiceGrpc.newBlockingStub(server.channel());
      var gate = DisplayGateServiceGrpc.newBlockingStub(server.channel());
      for (String trouble : List.of("N", "\uD83D", "x".repeat(70_000))) {
        CostResult result = safety.cost(request(trouble).build()).getResults(0);
        assertThat(result.hasFailure()).as(trouble).isTrue();
        assertThat(result.getFailure().getMessage()).isNotEmpty().doesNotContain(MARKER);
      }
      server.fails(
          () ->
              safety.cost(
                  request("").setMetadata(RequestMetadata.newBuilder().setTenant("a/b")).build()));
      server.fails(
          () ->
              safety.cost(
                  request("").setCostModel(ModelSelector.newBuilder().setModel("no")).build()));
      server.fails(
          () ->
              gate.decideGeneration(
                  DecideGenerationRequest.newBuilder()
                      .setPrompt(MARKER)
                      .setUser("u".repeat(129))
                      .build()));
      server.fails(
          () ->
              gate.decideDisplay(
                  DecideDisplayRequest.newBuilder()
                      .setPrompt(MARKER)
                      .setSuggestion(MARKER)
                      .setGateVersion(ModelVersion.newBuilder().setModel("a/b").setVersion("1"))
                      .build()));
      StartSafetyTestRequest.Builder twice = TestSafety.testOf(List.of(MARKER, MARKER));
      twice.getSpecBuilder().setThreshold(2);
      server.fails(() -> safety.startSafetyTest(twice.build()));

      server.assertNothingSaid(MARKER);
    }
  }

  private static CostRequest.Builder request(String trouble) {
    return CostRequest.newBuilder()
        .setCostModel(ModelSelector.newBuilder().setModel("java-cost").setVersion("2"))
        .addItems(item("", MARKER, MARKER + trouble));
  }
}
