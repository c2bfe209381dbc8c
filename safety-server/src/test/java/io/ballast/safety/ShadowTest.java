package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A cost model that is tried out sees what is judged, and judges nothing. */
class ShadowTest {
  private static final long LONGEST_WAIT_NANOS = 20_000_000_000L;

  private final TestSafety mesh = TestSafety.start(Map.of("shadow", "java-cost/2@1"));

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void harmIsComparedAndTheVerdictIsOfWhatServes() {
    CostResponse answer = cost("c");

    assertThat(answer.getModelVersion().getVersion()).isEqualTo("1");
    assertThat(answer.getResults(0).getValue().getHarmProbability())
        .isCloseTo(FakeCostModels.HARMLESS, within(1e-9));
    await("compared");
    assertThat(mesh.meters.get("ballast.safety.shadow.difference.mean").gauge().value())
        .isCloseTo(
            FakeCostModels.harmlessToTwo("c")
                - answer.getResults(0).getValue().getHarmProbability(),
            within(1e-9));
  }

  @Test
  void whatTheCandidateCannotJudgeBlocksNobody() {
    CostResponse answer = cost("c", "X");
    await("unscored");

    assertThat(answer.getResults(0).hasFailure()).isFalse();
    assertThat(answer.getResults(1).hasFailure()).isTrue();
    assertThat(count("compared")).isEqualTo(1);
  }

  private CostResponse cost(String... completions) {
    CostRequest.Builder request = CostRequest.newBuilder();
    for (String completion : completions) {
      request.addItems(item(completion, "p", completion));
    }
    return mesh.safety().cost(request.build());
  }

  private double count(String outcome) {
    return mesh.meters.get("ballast.safety.shadow.items").tag("outcome", outcome).counter().count();
  }

  private void await(String outcome) {
    long end = System.nanoTime() + LONGEST_WAIT_NANOS;
    while (count(outcome) < 1) {
      assertThat(System.nanoTime()).as(outcome).isLessThan(end);
      Thread.yield();
    }
  }
}
