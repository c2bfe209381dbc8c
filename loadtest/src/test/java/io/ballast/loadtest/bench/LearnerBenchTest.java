package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench learner} compares is the same work. */
class LearnerBenchTest {
  @TempDir private Path folder = Path.of("");
  private final int[] told = new int[1];
  private Path model = Path.of("");

  @BeforeEach
  void aModel() throws IOException {
    model = TinyModel.write(folder.resolve("tiny"));
  }

  private LearnerBench bench() {
    return new LearnerBench(
        folder.resolve("mesh"), model, folder, 1, System::nanoTime, () -> told[0]++);
  }

  @Test
  void theLearnerAndTheBareCallsLearnTheSame() throws IOException {
    List<Figure> figures = bench().backward(); // fails where a loss differs or does not fall

    assertThat(figures)
        .hasSize(2)
        .allSatisfy(
            figure -> {
              assertThat(figure.value()).isPositive().isFinite();
              assertThat(figure.comparison().orElseThrow().baseline()).isPositive().isFinite();
            });
    assertThat(told[0]).isEqualTo(LearnerBench.backwardSteps(1)).isEqualTo(4);
  }

  @Test
  void promptsAreOfOneLengthAndNoTwoAlike() {
    List<String> prompts = GrpoWork.prompts(model, 20);

    assertThat(prompts).hasSize(20).doesNotHaveDuplicates();
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(model)) {
      assertThat(prompts)
          .allSatisfy(
              prompt ->
                  assertThat(tokenizer.encode(prompt).size()).isEqualTo(GrpoWork.PROMPT_TOKENS));
    }
  }
}
