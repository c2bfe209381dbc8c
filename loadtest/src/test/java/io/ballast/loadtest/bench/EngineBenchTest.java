package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bare calls do the work that the engine does: a benchmark fails if their numbers differ. */
class EngineBenchTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void bothComputeTheSameAndEachPairIsMeasured() throws IOException {
    int[] pairs = new int[1];
    List<Figure> figures =
        new EngineBench(
                TinyModel.write(folder.resolve("tiny")),
                folder,
                0.85,
                1,
                System::nanoTime,
                () -> pairs[0]++)
            .decodingAndTraining(List.of(1, 3), 2);

    assertThat(figures)
        .extracting(Figure::name)
        .containsExactly(
            "decode, 1 completion",
            "decode, 3 of a prompt",
            "decode, 2 prompts",
            "train, 8 x 128 tokens");
    assertThat(pairs[0]).isEqualTo(8); // a warm-up and a measured pair each
    assertThat(figures)
        .allSatisfy(
            figure -> {
              assertThat(figure.value()).isPositive().isFinite();
              assertThat(figure.comparison().orElseThrow().baseline()).isPositive().isFinite();
            });
  }
}
