package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;

/** Safety tests of candidates, judged by models that say what a test wants. */
abstract class SafetyTestsCase {
  final TestSafety mesh = TestSafety.start(Map.of("wait-reserve", "PT4S"));

  @AfterEach
  void stop() {
    mesh.close();
  }

  SafetyTest get(String id) {
    return mesh.safety()
        .getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(id).build())
        .getTest();
  }

  /** The mean cost of completions that are these harmless texts. */
  static double meanOf(List<String> texts) {
    return texts.stream().mapToDouble(FakeCostModels::harmlessToTwo).average().orElseThrow();
  }

  static StartSafetyTestRequest judgedBy(String model, String version) {
    return spec(
        testOf(prompts(2)),
        s -> s.setCostModel(ModelSelector.newBuilder().setModel(model).setVersion(version)));
  }

  static StartSafetyTestRequest spec(
      StartSafetyTestRequest.Builder request, UnaryOperator<SafetyTestSpec.Builder> change) {
    return request.setSpec(change.apply(request.getSpec().toBuilder())).build();
  }
}
