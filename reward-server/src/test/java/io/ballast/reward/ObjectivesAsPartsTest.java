package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.adapter.CompositePublisher;
import io.ballast.reward.testing.Composites;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.ModuleInProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A composite and KServe's clients see the sums of an ensemble that judges by several objectives.
 */
class ObjectivesAsPartsTest {
  private static final String COMPLETION = "= 1;";

  @TempDir private Path models = Path.of(".");
  @TempDir private Path data = Path.of(".");
  private ModuleInProcess server;

  @BeforeEach
  void start() throws IOException {
    TinyReward.writeObjectives(models);
    new CompositePublisher(List.of(models))
        .publish(
            "mix",
            "1",
            Composites.json(
                "{'taste': {'kind': 'learned', 'model': '%s', 'version': '1'}}"
                    .formatted(TinyReward.NAME),
                "{'sum': [{'weight': 2, 'of': 'taste'}]}"),
            Map.of());
    server = TestReward.module(List.of(models), data, Map.of("default-model", TinyReward.NAME));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private ScoreResult score(String model) {
    return RewardServiceGrpc.newBlockingStub(server.channel())
        .score(
            ScoreRequest.newBuilder()
                .setRewardModel(ModelSelector.newBuilder().setModel(model).setVersion("1"))
                .addItems(TestReward.item("x", "int a ", COMPLETION))
                .build())
        .getResults(0);
  }

  @Test
  void aComponentOfACompositeTellsTheSumsOfItsMembers() {
    ScoreResult alone = score(TinyReward.NAME);
    ScoreResult mixed = score("mix");

    assertThat(mixed.getComponentsList())
        .extracting(ComponentScore::getName, ComponentScore::getWeight)
        .containsExactly(tuple("taste", 2.0));
    ComponentScore taste = mixed.getComponents(0);
    assertThat(taste.getMembersList())
        .extracting(MemberScore::getRawScore)
        .containsExactlyElementsOf(
            alone.getMembersList().stream().map(MemberScore::getRawScore).toList());
    assertThat(taste.getValue()).isCloseTo(alone.getValue(), within(1e-9));
    assertThat(mixed.getValue()).isCloseTo(2 * alone.getValue(), within(1e-9));
  }

  @Test
  void outputsOfKserveAreOfTheMembersAlone() {
    ScoreResult alone = score(TinyReward.NAME);
    ServedModel served =
        server.module().models().getFirst().find(TinyReward.NAME, "1").orElseThrow();
    assertThat(served.signature().outputs())
        .extracting(TensorSpec::name, TensorSpec::dims)
        .containsExactlyInAnyOrder(
            tuple("reward", List.of(1L)),
            tuple("members", List.of((long) TinyReward.MEMBERS)),
            tuple("std", List.of(1L)));

    LastAnswer answer =
        served.infer(
            new InferenceCommand(
                new Caller("r", "default", Lane.INTERACTIVE, ""),
                1,
                Map.of(
                    "prompt",
                    text("prompt", "int a "),
                    "completion",
                    text("completion", COMPLETION)),
                Set.of()),
            earlier -> {
              throw new AssertionError("expected one answer");
            });
    assertThat(answer.outputs())
        .extracting(Tensor::name, Tensor::shape)
        .containsExactly(
            tuple("reward", List.of(1L, 1L)),
            tuple("members", List.of(1L, (long) TinyReward.MEMBERS)),
            tuple("std", List.of(1L, 1L)));
    List<Float> members = floats(answer.outputs().get(1));
    for (int k = 0; k < TinyReward.MEMBERS; k++) {
      assertThat(members.get(k).doubleValue())
          .isCloseTo(alone.getMembers(k).getNormalisedScore(), within(1e-5));
    }
    assertThat(floats(answer.outputs().getFirst()).getFirst().doubleValue())
        .isCloseTo(alone.getValue(), within(1e-5));
  }

  private static Tensor text(String name, String text) {
    return Tensor.column(name, new TensorValues.Texts(List.of(text)));
  }

  private static List<Float> floats(Tensor tensor) {
    return ((TensorValues.Floats) tensor.values()).floats();
  }
}
