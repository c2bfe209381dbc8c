package io.ballast.safety;

import static io.ballast.safety.testing.FakeCostModels.HARMFUL;
import static io.ballast.safety.testing.FakeCostModels.HARMLESS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.safety.testing.TestSafety;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The cost models as KServe clients see them. */
class KserveCostsTest {
  private final TestSafety mesh = TestSafety.start(Map.of());

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aBatchIsJudgedAsCostDoes() {
    List<Tensor> outputs = infer(serving(), "ok", "H");

    assertThat(outputs)
        .extracting(Tensor::name)
        .containsExactly("cost", "harm_probability", "heads", "verdict");
    assertThat(floats(outputs.get(0))).containsExactly(-4f, 3f);
    assertThat(floats(outputs.get(1))).containsExactly((float) HARMLESS, (float) HARMFUL);
    assertThat(outputs.get(2).shape()).containsExactly(2L, 3L);
    assertThat(floats(outputs.get(2)).subList(0, 3)).containsExactly(-6f, -4f, -5f);
    assertThat(outputs.get(3).texts()).containsExactly("ALLOW", "BLOCK");
  }

  @Test
  void whatHasNoCostIsNoNumberAndNoVerdict() {
    assertThatThrownBy(() -> infer(serving(), "ok", "N"))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN);
              assertThat(e.getMessage()).endsWith("; 1 of 2 items failed");
            });
  }

  @Test
  void aModelThatCameLaterIsFound() {
    assertThat(mesh.costs().find("later", "1")).isEmpty();

    mesh.costModels.laterIsThere = true;

    assertThat(mesh.costs().find("later", "1")).isPresent();
    assertThat(mesh.costs().lists("later")).isTrue();
    assertThat(mesh.costs().find("java-cost", "99")).isEmpty();
  }

  private ServedModel serving() {
    return mesh.costs().find("java-cost", "").orElseThrow();
  }

  private static List<Tensor> infer(ServedModel model, String... completions) {
    List<List<Tensor>> earlier = new ArrayList<>();
    LastAnswer answer =
        model.infer(
            new InferenceCommand(
                new Caller("r", "default", Lane.INTERACTIVE, ""),
                completions.length,
                Map.of(
                    "prompt",
                    texts("prompt", Collections.nCopies(completions.length, "p")),
                    "completion",
                    texts("completion", List.of(completions))),
                Set.of()),
            earlier::add);
    assertThat(earlier).isEmpty();
    return answer.outputs();
  }

  private static Tensor texts(String name, List<String> texts) {
    return Tensor.column(name, new TensorValues.Texts(texts));
  }

  private static List<Float> floats(Tensor tensor) {
    return ((TensorValues.Floats) tensor.values()).floats();
  }
}
