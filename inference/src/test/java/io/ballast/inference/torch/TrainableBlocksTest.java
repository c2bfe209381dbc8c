package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.TinyFolders;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Upper blocks are trained as the rest of the decoder would be, on lower ones that stay. */
class TrainableBlocksTest {
  private static final OptimizerOptions PLAIN = new OptimizerOptions(0.9, 0.999, 1e-8, 0, 1e9);
  private static final List<List<Integer>> UNITS = List.of(List.of(0), List.of(1, 2), List.of(3));

  @TempDir Path folder;

  private final List<CompletionGroup> rows = new ArrayList<>();

  @BeforeEach
  void write() throws IOException {
    TorchRuntime.setThreads(1);
    TinyFolders.trunk(folder, TinyFolders.GROUPED, 3);
    SplittableRandom random = new SplittableRandom(4);
    for (int completions : new int[] {2, 3, 1, 2}) {
      List<TokenIds> list = new ArrayList<>();
      for (int i = 0; i < completions; i++) {
        list.add(TinyFolders.tokens(random, random.nextInt(1, 8)));
      }
      rows.add(new CompletionGroup(TinyFolders.tokens(random, random.nextInt(1, 12)), list));
    }
  }

  @Test
  void statesAreThoseOfTheWholeDecoderWhereverItIsCut() {
    ReferenceDecoder reference = new ReferenceDecoder(TinyFolders.GROUPED, folder);
    for (int own = 1; own <= 2; own++) {
      try (LowerStates lower = LowerStates.of(folder, own, rows, 1 << 20);
          TrainableBlocks blocks = TrainableBlocks.above(lower, PLAIN)) {
        List<float[][]> states = blocks.states(UNITS);
        for (int u = 0; u < UNITS.size(); u++) {
          int at = 0;
          for (int row : UNITS.get(u)) {
            for (TokenIds completion : rows.get(row).completions()) {
              TokenIds prompt = rows.get(row).prompt();
              double[][] hidden = reference.hidden(prompt.concat(completion).toArray());
              close(states.get(u)[at++], expected(hidden, prompt.size()));
            }
          }
          assertThat(states.get(u)).hasNumberOfRows(at);
        }
      }
    }
  }

  /** The last state, then the mean over the completion. */
  private static double[] expected(double[][] hidden, int prompt) {
    int width = hidden[0].length;
    double[] expected = Arrays.copyOf(hidden[hidden.length - 1], 2 * width);
    for (int t = prompt; t < hidden.length; t++) {
      for (int d = 0; d < width; d++) {
        expected[width + d] += hidden[t][d] / (hidden.length - prompt);
      }
    }
    return expected;
  }

  private static void close(float[] found, double[] expected) {
    assertThat(found).hasSize(expected.length);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(expected[i], within(2e-5));
    }
  }

  @Test
  void whatIsNotKeptIsComputedAnewAndIsTheSame() {
    try (LowerStates all = LowerStates.of(folder, 1, rows, 1 << 20);
        LowerStates few = LowerStates.of(folder, 1, rows, 3_000);
        TrainableBlocks onAll = TrainableBlocks.above(all, PLAIN);
        TrainableBlocks onFew = TrainableBlocks.above(few, PLAIN)) {
      List<float[][]> first = onAll.states(UNITS);
      assertThat(all.keptBytes()).isPositive();
      for (int time = 0; time < 2; time++) {
        List<float[][]> again = onFew.states(UNITS);
        for (int u = 0; u < UNITS.size(); u++) {
          for (int m = 0; m < first.get(u).length; m++) {
            // 32-bit sums over another number of rows: some processors add in another order
            assertThat(again.get(u)[m]).containsExactly(first.get(u)[m], within(1e-5f));
          }
        }
        assertThat(few.keptBytes()).isBetween(1L, 3_000L);
      }
      assertThat(onAll.states(UNITS).getFirst()[0]).containsExactly(first.getFirst()[0]);
    }
  }

  @Test
  void aStepFollowsTheGradientAndASnapshotGoesBack() {
    try (LowerStates lower = LowerStates.of(folder, 2, rows, 1 << 20);
        TrainableBlocks blocks = TrainableBlocks.above(lower, PLAIN)) {
      double before = loss(blocks.states(UNITS));
      try (WeightsSnapshot first = blocks.snapshot()) {
        blocks.forwardBackward(UNITS, (unit, states) -> gradient(states));
        assertThat(blocks.optimizerStep(1e-4)).isPositive();
        assertThat(loss(blocks.states(UNITS))).isLessThan(before);
        for (int i = 0; i < 100; i++) {
          blocks.forwardBackward(UNITS, (unit, states) -> gradient(states));
          blocks.optimizerStep(1e-3);
        }
        assertThat(loss(blocks.states(UNITS))).isLessThan(before / 2);
        blocks.restore(first);
        assertThat(loss(blocks.states(UNITS))).isEqualTo(before);
      }
    }
  }

  /** ½·Σ s². */
  private static double loss(List<float[][]> states) {
    double sum = 0;
    for (float[][] unit : states) {
      for (float[] state : unit) {
        for (float s : state) {
          sum += s * s / 2.0;
        }
      }
    }
    return sum;
  }

  private static float[][] gradient(float[][] states) {
    return Arrays.stream(states).map(float[]::clone).toArray(float[][]::new);
  }

  @Test
  void moreBlocksThanThereAreAndRowsThatDoNotFitAreNamed() {
    assertThatThrownBy(() -> LowerStates.of(folder, 3, rows, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("own blocks: 3 (expected: 1 to 2, the blocks of the trunk)");
    SplittableRandom random = new SplittableRandom(5);
    CompletionGroup lengthy =
        new CompletionGroup(TinyFolders.tokens(random, 30), List.of(TinyFolders.tokens(random, 3)));
    assertThatThrownBy(() -> LowerStates.of(folder, 1, List.of(lengthy), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("groups[0].completions[0]");
  }

  @Test
  void aGradientThatIsNoNumberChangesNothing() {
    try (LowerStates lower = LowerStates.of(folder, 1, rows, 1 << 20);
        TrainableBlocks blocks = TrainableBlocks.above(lower, PLAIN)) {
      double before = loss(blocks.states(UNITS));
      blocks.forwardBackward(
          UNITS,
          (unit, states) -> {
            float[][] broken = gradient(states);
            broken[0][0] = Float.NaN;
            return broken;
          });
      assertThatThrownBy(() -> blocks.optimizerStep(1e-3)).isInstanceOf(ModelException.class);
      assertThat(loss(blocks.states(UNITS))).isEqualTo(before);
    }
  }
}
