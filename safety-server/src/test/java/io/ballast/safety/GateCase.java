package io.ballast.safety;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.PastOutcome;
import io.ballast.safety.v1.PastOutcomeKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Gates that follow from one feature each, asked over their RPCs. */
abstract class GateCase {
  static byte[] byLine = new byte[0];
  static byte[] byLength = new byte[0];
  static byte[] byLogProb = new byte[0];
  static byte[] byShare = new byte[0];

  @TempDir Path root;

  @BeforeAll
  static void train() {
    byLine = TinyGates.trees(GateStage.CONTEXT, "line_characters", 10);
    byLength = TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10);
    byLogProb = TinyGates.trees(GateStage.SUGGESTION, "log_prob_sum", -5);
    byShare =
        TinyGates.trees(FeatureSet.TEXT_AND_HISTORY, GateStage.CONTEXT, "accepted_share", 0.5);
  }

  static GateStageAnswer of(TestSafety mesh, String tenant, String suggestion) {
    return mesh.gate()
        .decideDisplay(
            question(suggestion, -0.5f).toBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
                .build())
        .getAnswer();
  }

  void write(String version, GateSpec spec, byte[] trees) throws IOException {
    String name = spec.stage() == GateStage.CONTEXT ? "java-gate-context" : "java-gate-suggestion";
    var unused = TinyGates.write(root, name, version, spec, trees);
  }

  static GateSpec spec(GateStage stage) {
    return TinyGates.spec(stage, 0.5, stage == GateStage.CONTEXT ? 0.99 : 0, 0);
  }

  static ModelVersion version(String version, String sha) {
    return ModelVersion.newBuilder()
        .setModel("java-gate-suggestion")
        .setVersion(version)
        .setWeightsSha256(sha)
        .build();
  }

  static GateHistory history(int accepted, int answered) {
    return GateHistory.newBuilder()
        .addOutcomes(
            PastOutcome.newBuilder()
                .setKind(PastOutcomeKind.PAST_OUTCOME_KIND_REJECTED)
                .setAge(Duration.newBuilder().setSeconds(3)))
        .setAcceptedCount(accepted)
        .setAnsweredCount(answered)
        .build();
  }

  static GateStageAnswer generation(TestSafety mesh, Optional<GateHistory> history) {
    DecideGenerationRequest.Builder request = DecideGenerationRequest.newBuilder().setPrompt("x");
    history.ifPresent(request::setHistory);
    return mesh.gate().decideGeneration(request.build()).getAnswer();
  }

  static GateStageAnswer display(TestSafety mesh, String suggestion, float... logProbs) {
    return mesh.gate().decideDisplay(question(suggestion, logProbs)).getAnswer();
  }

  static GateStageAnswer pinned(TestSafety mesh, String suggestion, ModelVersion version) {
    return mesh.gate()
        .decideDisplay(question(suggestion, -0.5f).toBuilder().setGateVersion(version).build())
        .getAnswer();
  }

  static DecideDisplayRequest question(String suggestion, float... logProbs) {
    DecideDisplayRequest.Builder request =
        DecideDisplayRequest.newBuilder().setPrompt("x").setSuggestion(suggestion);
    for (float logProb : logProbs) {
      request.addLogProbs(logProb);
    }
    return request.build();
  }
}
