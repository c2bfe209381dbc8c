package io.ballast.standalone.experiment.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.rl.bound.BoundMethod;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.safety.CoverageStudy.Cell;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests take the service's own way, and few barely unsafe candidates pass. */
class CoverageStudyTest {
  private static final int TRIALS = 20;

  @TempDir private Path work;

  @Test
  void barelyUnsafeCandidatesPassSeldom() throws IOException {
    StringWriter said = new StringWriter();
    ExperimentProgress progress = new ExperimentProgress(new PrintWriter(said), System::nanoTime);
    List<Cell> cells;
    try (ScriptedMesh mesh = new ScriptedMesh(work, 2, 11);
        ExecutorService workers = Executors.newFixedThreadPool(2)) {
      long tests = CoverageStudy.tests(TRIALS);
      assertThat(tests).isEqualTo(18 * TRIALS);
      cells =
          new CoverageStudy(mesh, workers, progress.step("tests", "tests", tests)).cells(TRIALS);
    }
    assertThat(cells).hasSize(18);
    for (Cell cell : cells) {
      // 20 tests at .1: more than 6 in 1 of 400 runs; of rare harm t passes .147: more than 8 in
      // 700
      assertThat(cell.passed())
          .as("%s under %s", cell.shape().label(), cell.method())
          .isLessThanOrEqualTo(cell.shape().claimedBy(cell.method()) ? 6 : 8);
    }
    assertThat(cells.stream().mapToInt(Cell::passed).sum()).as("some do").isPositive();
    assertThat(cells)
        .filteredOn(cell -> cell.method() == BoundMethod.CLOPPER_PEARSON)
        .extracting(Cell::shape)
        .containsExactly(CostShape.RARE, CostShape.COMMON);
    try (Stream<Path> left = Files.list(work)) {
      assertThat(left).as("what was written aside").isEmpty();
    }
  }
}
