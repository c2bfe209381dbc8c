package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

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
import io.ballast.reward.testing.TestReward;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The ensembles as KServe clients see them. A completion of n characters has the normalised scores
 * n/2, n − 1/2 and 3n/2 − 1.
 */
class KserveRewardsTest {
  private final TestReward reward =
      TestReward.start(Map.of("quorum", "2", "worst-case-needs-all", "false"));

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void aBatchIsScoredAsScoreDoes() {
    List<Tensor> outputs = infer(serving(), Set.of(), "= 1;", "ab");

    // n = 4: 2, 3.5, 5; n = 2: 1, 1.5, 2
    assertThat(outputs)
        .extracting(Tensor::name, Tensor::shape)
        .containsExactly(
            tuple("reward", List.of(2L, 1L)),
            tuple("members", List.of(2L, 3L)),
            tuple("std", List.of(2L, 1L)));
    assertThat(floats(outputs.get(0))).containsExactly(2f, 1f);
    assertThat(floats(outputs.get(1))).containsExactly(2f, 3.5f, 5f, 1f, 1.5f, 2f);
    assertThat(floats(outputs.get(2)))
        .containsExactly((float) Math.sqrt(1.5), (float) Math.sqrt(0.5 / 3));
  }

  @Test
  void aLongPromptIsCutToItsLastTokensSinceKserveHasNoWordsForIt() {
    String prompt = "x" + "p".repeat(96);

    assertThat(floats(inferAfter(prompt, serving(), Set.of("reward"), "= 1;").getFirst()))
        .containsExactly(2f);
    assertThat(reward.ensembles.batches.getFirst().getFirst().key().toArray())
        .hasSize(96)
        .containsOnly('p');
  }

  @Test
  void theSignatureSaysWhatComes() {
    ServedModel model = serving();

    assertThat(model.id().version()).isEqualTo("1");
    assertThat(model.signature().decoupled()).isFalse();
    assertThat(model.signature().maxBatchSize()).isEqualTo(4_096);
    assertThat(model.signature().outputs())
        .extracting(TensorSpec::name, TensorSpec::dims)
        .contains(tuple("members", List.of(3L)));
    assertThat(model.signature().parameters()).containsEntry("quorum", "2");
  }

  @Test
  void theQuorumIsTheOneOfTheServersAggregation() {
    try (TestReward cautious = TestReward.start(Map.of("quorum", "2"));
        TestReward mean = TestReward.start(Map.of("quorum", "2", "aggregation", "MEAN"))) {
      ServedModel worstCase = cautious.models().find("java-reward", "").orElseThrow();
      assertThat(worstCase.signature().parameters()).containsEntry("quorum", "3");
      assertThat(mean.models().find("java-reward", "").orElseThrow().signature().parameters())
          .containsEntry("quorum", "2");
      assertThatThrownBy(() -> infer(worstCase, Set.of("reward"), "E"))
          .hasMessageContaining("2 of 3 members answered, quorum 3 (WCO needs all");
    }
  }

  @Test
  void aMemberThatIsMissingIsNoNumber() {
    // E: the second of three members crashes; two are enough for a reward
    assertThatThrownBy(() -> infer(serving(), Set.of(), "ab", "E"))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN);
              assertThat(e)
                  .hasMessage(
                      "batch[1]: java-reward/1 gave no score; the reward stands without it: ask"
                          + " for the outputs reward and std");
            });

    // n = 1: 0.5 and 0.5
    List<Tensor> outputs = infer(serving(), Set.of("reward", "std"), "E");
    assertThat(outputs).extracting(Tensor::name).containsExactly("reward", "std");
    assertThat(floats(outputs.get(0))).containsExactly(0.5f);
    assertThat(floats(outputs.get(1))).containsExactly(0f);
  }

  @Test
  void oneItemThatFailsFailsAll() {
    assertThatThrownBy(() -> infer(serving(), Set.of(), "ab", "X", "X"))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST);
              assertThat(e)
                  .hasMessage("batch[1]: 999 tokens (expected: at most 255); 2 of 3 items failed");
            });
  }

  @Test
  void versionsAreFoundByNameAndOthersAreNot() {
    assertThat(reward.models().states())
        .extracting(ModelState::model, ModelState::version)
        .containsExactly(tuple("java-reward", "1"), tuple("java-reward", "2"));
    assertThat(reward.models().find("java-reward", "2")).isPresent();
    assertThat(reward.models().find("java-reward", "3")).isEmpty();
    assertThat(reward.models().find("java-cost", "")).isEmpty();
    assertThat(reward.models().find("", "")).isEmpty();
  }

  private ServedModel serving() {
    return reward.models().find("java-reward", "").orElseThrow();
  }

  private static List<Tensor> infer(ServedModel model, Set<String> outputs, String... completions) {
    return inferAfter("int a", model, outputs, completions);
  }

  private static List<Tensor> inferAfter(
      String prompt, ServedModel model, Set<String> outputs, String... completions) {
    List<List<Tensor>> earlier = new ArrayList<>();
    LastAnswer answer =
        model.infer(
            new InferenceCommand(
                new Caller("r", "default", Lane.INTERACTIVE, ""),
                completions.length,
                Map.of(
                    "prompt",
                    texts("prompt", List.of(completions).stream().map(c -> prompt).toList()),
                    "completion",
                    texts("completion", List.of(completions))),
                outputs),
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
