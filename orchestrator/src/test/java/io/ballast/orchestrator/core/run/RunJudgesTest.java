package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.core.peer.RewardCheck;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.orchestrator.testing.TinyModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run would fail by at its first update is refused when it is created. */
class RunJudgesTest {
  private static final PinnedVersion BASE =
      new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, "");

  /** A quarter of it holds a pass over seven tokens of the tiny model, but for a byte. */
  private static final long SIX_TOKENS = 4 * 17_247;

  private static final long SEVEN_TOKENS = 4 * 17_248;

  @TempDir private Path folder;
  private final List<String> asked = new ArrayList<>();

  /** Finds that every reward can be given. */
  private final class Willing implements RewardCheck {
    @Override
    public Optional<RewardOracle.Outcome> require(
        String tenant, String path, RewardSpec spec, String prompt) {
      asked.add(path);
      return Optional.empty();
    }

    @Override
    public void requireComponent(
        String tenant, String path, ModelRef composite, String component, String prompt) {
      asked.add(path);
    }
  }

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(folder.resolve("models"));
  }

  /** Creates a run with such texts where there is so much memory. */
  private void require(long bytes, String ptx) {
    RunJudges judges =
        new RunJudges(
            new Willing(),
            (tenant, path, model, prompt) -> asked.add(path),
            (tenant, path, prompts) -> asked.add(path),
            new TorchTraineeLoader(
                new ModelFolders(List.of(folder.resolve("models")), folder.resolve("learner")),
                Arithmetic.FLOAT32,
                4,
                8,
                1,
                new TorchTraineeLoader.Memory(bytes, 1)));
    judges.require(
        "tenant",
        BASE,
        LeastSpec.read(LeastSpec.LEAST + "ptx: {file: texts, " + ptx + "}\n"),
        new PromptSets(List.of("a"), GroupedPrompts.alone(List.of("b", "c"))));
  }

  @Test
  void textsThatMemoryWouldNotHoldAreRefusedBeforeAnyoneIsAsked() {
    assertThatThrownBy(() -> require(SIX_TOKENS, "coefficient: 0.5, max_tokens: 7"))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessage(
            "ptx.max_tokens: 7 (expected: ≤ 6: a pass over 7 tokens takes more memory than a run"
                + " may have for it, 17,248 bytes, limit 17,247)");
    assertThat(asked).isEmpty();

    require(SEVEN_TOKENS, "coefficient: 0.5, max_tokens: 7");

    assertThat(asked)
        .containsExactly("safety_test.prompts", "reward", "cost", "safety_test.cost_model");
  }

  @Test
  void noTextIsLongerThanTheModelReads() {
    // whoever asks for 4,096 gets texts cut at the context, which is what must fit
    assertThatThrownBy(() -> require(SEVEN_TOKENS, "coefficient: 0.5, max_tokens: 4096"))
        .hasMessageStartingWith(
            "ptx.max_tokens: 4,096 (expected: ≤ 7: a pass over 48 tokens takes");

    require(1L << 30, "coefficient: 0.5, max_tokens: 4096");

    assertThat(asked).isNotEmpty();
  }

  @Test
  void whereNoTextIsTakenAnyLengthDoes() {
    require(SIX_TOKENS, "coefficient: 0, max_tokens: 4096");

    assertThat(asked).isNotEmpty();
  }
}
