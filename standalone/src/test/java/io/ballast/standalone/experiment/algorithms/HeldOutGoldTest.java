package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.torch.TorchRuntime;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Position;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The same weights by the same seed are the same gold; another seed draws anew. */
class HeldOutGoldTest {
  private static final Path MODEL = Path.of("..", "models", "java-tiny", "1");
  private static final String TEXT =
      "public final class A {\n  private int count;\n  int twice() {\n    return count + count;\n  }\n}\n";

  /** More than are drawn at once. */
  private static final List<Position> POSITIONS =
      IntStream.range(0, 36)
          .mapToObj(i -> new SourceFile("made-up-1", "A" + i + ".java", TEXT))
          .map(file -> new Position(file, TEXT.indexOf("return ") + "return ".length()))
          .toList();

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  @Test
  void eachPositionHasTheMeanOfItsDraws() {
    HeldOutGold gold = new HeldOutGold(POSITIONS, 4);
    Gold first = gold.of(MODEL, 1);
    assertThat(first.kept()).hasSize(36);
    // at most the whole line, "count + count;", of each of four draws
    assertThat(first.kept())
        .allSatisfy(kept -> assertThat(kept).isBetween(0.0, 14.0))
        .allSatisfy(kept -> assertThat(kept * 4).isCloseTo(Math.rint(kept * 4), within(1e-9)));
    assertThat(first.mean()).as("the model knows some of it").isPositive();
    assertThat(first.kept().stream().distinct().count())
        .as("positions with the same text have draws of their own")
        .isGreaterThan(1);

    assertThat(gold.of(MODEL, 1)).as("the same draws").isEqualTo(first);
    assertThat(gold.of(MODEL, 2)).as("others").isNotEqualTo(first);
    assertThat(new HeldOutGold(POSITIONS.subList(0, 3), 4).of(MODEL, 1).kept())
        .as("a position's draws are its own, whichever follow")
        .isEqualTo(first.kept().subList(0, 3));
  }
}
