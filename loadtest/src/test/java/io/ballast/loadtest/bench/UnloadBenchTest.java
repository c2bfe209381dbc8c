package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.bench.UnloadBench.Turn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory that comes back after an unload meets its goal, memory that stays does not. */
class UnloadBenchTest {
  private static final long MB = 1_000_000;

  /**
   * Few beside those of a measurement: enough to see that memory comes back, not that none leaks.
   */
  private static final int TURNS = 6;

  @TempDir private Path folder = Path.of("");

  @Test
  void whatStaysIsMeasuredAgainstWhatWasTaken() {
    // takes 100 and leaves 5 each time: 505 after the second turn of four, 515 after the last
    assertThat(UnloadBench.figures(turns(5)))
        .extracting(Figure::value)
        .containsExactly(100.0, 0.05, 515.0 / 505);
    assertThat(UnloadBench.figures(turns(5))).allMatch(Figure::holds);

    List<Turn> kept = turns(100);
    assertThat(UnloadBench.figures(kept))
        .extracting(Figure::holds)
        .containsExactly(true, false, false);
  }

  /** Four turns, each of which takes 100 and leaves some of it; they begin at 495. */
  private static List<Turn> turns(long left) {
    return IntStream.range(0, 4)
        .mapToObj(i -> 495 + i * left)
        .map(before -> new Turn(before * MB, (before + 100) * MB, (before + left) * MB))
        .toList();
  }

  @Test
  void nativeMemoryComesBack() throws IOException {
    List<Turn> turns =
        new UnloadBench(TinyModel.write(folder.resolve("tiny")), folder, TURNS, () -> {}).turns();

    assertThat(turns).hasSize(TURNS - 1);
    Figure kept = UnloadBench.figures(turns).get(1);
    // the goal is 0.1; here half of it would show that nothing is given back at all
    assertThat(kept.value()).isLessThan(0.5);
  }
}
