package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.bench.UnloadBench.Turn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory that comes back after an unload meets its goal, memory that stays does not. */
class UnloadBenchTest {
  private static final long MB = 1_000_000;

  @TempDir private Path folder = Path.of("");

  @Test
  void whatStaysIsMeasuredAgainstWhatWasTaken() {
    // takes 100 and leaves 5 each time: from 500 to 510 in two turns
    List<Turn> back =
        List.of(
            new Turn(495 * MB, 595 * MB, 500 * MB),
            new Turn(500 * MB, 600 * MB, 505 * MB),
            new Turn(505 * MB, 605 * MB, 510 * MB));
    assertThat(UnloadBench.figures(back))
        .extracting(Figure::value)
        .containsExactly(100.0, 0.05, 0.05);
    assertThat(UnloadBench.figures(back)).allMatch(Figure::holds);

    List<Turn> kept =
        List.of(new Turn(500 * MB, 600 * MB, 600 * MB), new Turn(600 * MB, 700 * MB, 700 * MB));
    assertThat(UnloadBench.figures(kept))
        .extracting(Figure::holds)
        .containsExactly(true, false, false);
  }

  @Test
  void nativeMemoryComesBack() throws IOException {
    List<Turn> turns =
        new UnloadBench(TinyModel.write(folder.resolve("tiny")), folder, () -> {}).turns();

    assertThat(turns).hasSize(UnloadBench.steps() - 1);
    Figure kept = UnloadBench.figures(turns).get(1);
    // the goal is 0.1; here half of it would show that nothing is given back at all
    assertThat(kept.value()).isLessThan(0.5);
  }
}
