package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.safety.testing.TestRuntime;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.wiring.SafetyModule;
import io.ballast.testing.ModuleInProcess;
import io.ballast.testing.TritonJudgeContract;
import io.grpc.Channel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A safety-server before a real Triton of the committed cost models, beside one that runs them
 * itself.
 */
class TritonCostIT extends TritonJudgeContract<CostResponse> {
  @Override
  protected String model() {
    return "java-cost";
  }

  @Override
  protected List<String> versions() {
    return List.of("1", "2");
  }

  @Override
  protected void export(Path repository) throws IOException {
    new TritonExport(repository, ExportOptions.defaults())
        .scoring(
            "java-cost",
            List.of(
                new Version(1, MODELS.resolve("java-cost/1")),
                new Version(2, MODELS.resolve("java-cost/2"))),
            trunk -> MODELS.resolve(trunk.model()).resolve(trunk.version()));
  }

  @Override
  protected ModuleInProcess start(Path data, Map<String, String> properties) {
    return ModuleInProcess.start(
        new SafetyModule(TestSafety.properties(properties), Optional.empty()),
        new TestRuntime(List.of(MODELS), data));
  }

  @Override
  protected CostResponse ask(Channel server, String version, List<Judged> items) {
    CostRequest.Builder request =
        CostRequest.newBuilder().setCostModel(ModelSelector.newBuilder().setVersion(version));
    items.forEach(each -> request.addItems(item("", each.prompt(), each.completion())));
    return SafetyServiceGrpc.newBlockingStub(server).cost(request.build());
  }

  @Override
  protected void assertThatSame(CostResponse answer, CostResponse expected) {
    assertThat(answer.getModelVersion()).isEqualTo(expected.getModelVersion());
    assertThat(answer.getResultsCount()).isEqualTo(expected.getResultsCount());
    for (int i = 0; i < expected.getResultsCount(); i++) {
      CostResult result = answer.getResults(i);
      CostResult other = expected.getResults(i);
      assertThat(result.getOutcomeCase()).isEqualTo(other.getOutcomeCase());
      assertThat(result.getFailure().getReason()).isEqualTo(other.getFailure().getReason());
      assertThat(result.getVerdict()).isEqualTo(other.getVerdict());
      assertThat(result.getValue().getScore())
          .isCloseTo(other.getValue().getScore(), within(TOLERANCE));
      assertThat(result.getValue().getHarmProbability())
          .isCloseTo(other.getValue().getHarmProbability(), within(TOLERANCE));
      assertThat(result.getValue().getHeadScoresCount())
          .isEqualTo(other.getValue().getHeadScoresCount());
      for (int k = 0; k < other.getValue().getHeadScoresCount(); k++) {
        assertThat(result.getValue().getHeadScores(k))
            .isCloseTo(other.getValue().getHeadScores(k), within(TOLERANCE));
      }
    }
  }
}
