package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gate's models as KServe clients see them: the probabilities that the gate decides by. */
class KserveGatesTest {
  private static final String PROMPT = "x".repeat(18);

  private final TestSafety mesh;

  KserveGatesTest(@TempDir Path root) throws IOException {
    write(root, "java-gate-context", GateStage.CONTEXT, "line_characters");
    write(root, "java-gate-suggestion", GateStage.SUGGESTION, "suggestion_characters");
    mesh = TestSafety.start(root, Map.of());
  }

  private static void write(Path root, String name, GateStage stage, String feature)
      throws IOException {
    var unused =
        TinyGates.write(
            root, name, "1", TinyGates.spec(stage, 0.5, 0, 0), TinyGates.trees(stage, feature, 10));
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void stageOneSaysWhatItDecidesBy() {
    double own =
        mesh.gate()
            .decideGeneration(DecideGenerationRequest.newBuilder().setPrompt(PROMPT).build())
            .getAnswer()
            .getAcceptProbability();

    List<Tensor> outputs = infer("java-gate-context", Map.of("prompt", text(PROMPT)));

    assertThat(own).isGreaterThan(0.9);
    assertThat(floats(outputs.get(0))).containsExactly((float) own);
    assertThat(floats(outputs.get(1)))
        .hasSize(FeatureSet.TEXT.names(GateStage.CONTEXT).size())
        .element(FeatureSet.TEXT.names(GateStage.CONTEXT).indexOf("line_characters"))
        .isEqualTo(18f);
  }

  @Test
  void stageTwoTakesTheSuggestionAndItsLogProbs() {
    double own =
        mesh.gate()
            .decideDisplay(
                DecideDisplayRequest.newBuilder()
                    .setPrompt(PROMPT)
                    .setSuggestion(".size();")
                    .addLogProbs(-0.5f)
                    .addLogProbs(-0.25f)
                    .build())
            .getAnswer()
            .getAcceptProbability();

    List<Tensor> outputs =
        infer(
            "java-gate-suggestion",
            Map.of(
                "prompt",
                text(PROMPT),
                "suggestion",
                text(".size();"),
                "log_probs",
                numbers(-0.5f, -0.25f)));

    assertThat(floats(outputs.get(0))).containsExactly((float) own);
    assertThat(floats(outputs.get(1))).hasSize(FeatureSet.TEXT.names(GateStage.SUGGESTION).size());
  }

  @Test
  void whatTheGateRefusesIsRefused() {
    assertMalformed(
        () -> infer("java-gate-context", Map.of("prompt", text(""))),
        "prompt: empty (expected: at least 1 byte)");
  }

  @Test
  void aNumberThatIsNotFiniteIsMissing() {
    List<Tensor> outputs =
        infer(
            "java-gate-suggestion",
            Map.of(
                "prompt", text(PROMPT), "suggestion", text("a"), "log_probs", numbers(Float.NaN)));

    List<String> names = FeatureSet.TEXT.names(GateStage.SUGGESTION);
    assertThat(floats(outputs.get(1)).get(names.indexOf("log_prob_sum"))).isNaN();
    assertThat(floats(outputs.get(1)).get(names.indexOf("suggestion_characters"))).isEqualTo(1f);
    assertThat(floats(outputs.get(0)).getFirst()).isBetween(0f, 1f);
  }

  private static void assertMalformed(Runnable call, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e).hasMessage(message);
              assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST);
            });
  }

  @Test
  void bothAreListedWithTheNamesOfTheirFeatures() {
    assertThat(mesh.gates().states())
        .extracting(ModelState::model)
        .containsExactly("java-gate-context", "java-gate-suggestion");
    assertThat(mesh.gates().find("java-gate-context", "2")).isEmpty();
    assertThat(mesh.gates().find("java-cost", "")).isEmpty();
    ServedModel suggestion = mesh.gates().find("java-gate-suggestion", "1").orElseThrow();
    assertThat(suggestion.signature().inputs())
        .extracting(TensorSpec::name)
        .containsExactly("prompt", "suggestion", "log_probs");
    assertThat(suggestion.signature().parameters())
        .containsEntry("features", String.join(",", FeatureSet.TEXT.names(GateStage.SUGGESTION)));
  }

  private List<Tensor> infer(String model, Map<String, Tensor> inputs) {
    List<List<Tensor>> earlier = new ArrayList<>();
    LastAnswer answer =
        mesh.gates()
            .find(model, "")
            .orElseThrow()
            .infer(
                new InferenceCommand(
                    new Caller("r", "default", Lane.INTERACTIVE, ""), 1, inputs, Set.of()),
                earlier::add);
    assertThat(earlier).isEmpty();
    return answer.outputs();
  }

  private static Tensor text(String text) {
    return Tensor.list("text", new TensorValues.Texts(List.of(text)));
  }

  private static Tensor numbers(Float... numbers) {
    return Tensor.list("numbers", new TensorValues.Floats(List.of(numbers)));
  }

  private static List<Float> floats(Tensor tensor) {
    return ((TensorValues.Floats) tensor.values()).floats();
  }
}
