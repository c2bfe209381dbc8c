package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rows share a prompt among its completions; runs hold rows of like length. */
class RowPackerTest {
  /** Context 12, ids below 40, a cut prompt leaves 2 free, runs of 24 tokens, 16 predictions. */
  private static final RowPacker PACKER = new RowPacker(new PackingOptions(12, 40, 2, 24, 16));

  @Test
  void aRowIsThePromptThenEachCompletionWhichSeesBothAndNoSibling() {
    PackedRun run =
        PACKER
            .pack(
                List.of(
                    new ScoringGroup(
                        TokenIds.of(5, 6), List.of(TokenIds.of(7, 8), TokenIds.of(9)))))
            .getFirst();
    assertThat(run.rows()).isEqualTo(1);
    assertThat(longs(run.inputIds())).containsExactly(5, 6, 7, 8, 9);
    assertThat(longs(run.positionIds())).containsExactly(0, 1, 2, 3, 2);
    assertThat(longs(run.predictIndex())).containsExactly(1, 2, 1, 1);
    assertThat(longs(run.tokenIndex())).containsExactly(2, 3, 4, 4);
    assertThat(longs(run.targets())).containsExactly(7, 8, 9, 9);
    assertThat(mask(run)).containsExactly("x....", "xx...", "xxx..", "xxxx.", "xx..x");
  }

  @Test
  void paddingSeesItselfOnly() {
    PackedRun run =
        PACKER
            .pack(
                List.of(
                    new ScoringGroup(TokenIds.of(1), List.of(TokenIds.of(2))),
                    new ScoringGroup(TokenIds.of(1), List.of(TokenIds.of(2, 3)))))
            .getFirst();
    assertThat(mask(run)).containsExactly("x..", "xx.", "..x", "x..", "xx.", "xxx");
  }

  @Test
  void aGroupThatIsLongerThanTheContextIsSpreadOverRowsThatRepeatItsPrompt() {
    List<TokenIds> completions = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      completions.add(TokenIds.of(1, 2, 3, 4));
    }
    // 4 tokens of prompt leave room for 2 completions of 4 in a row of 12
    List<PackedRun> runs =
        PACKER.pack(List.of(new ScoringGroup(TokenIds.of(9, 9, 9, 9), completions)));
    assertThat(runs.stream().mapToInt(PackedRun::rows).sum()).isEqualTo(3);
  }

  @Test
  void everyCompletionIsInExactlyOneRunWithinItsLimits() {
    SplittableRandom random = new SplittableRandom(2);
    List<ScoringGroup> groups = new ArrayList<>();
    for (int g = 0; g < 20; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i < random.nextInt(6); i++) {
        completions.add(TinyFolders.tokens(random, random.nextInt(1, 11)));
      }
      groups.add(new ScoringGroup(TinyFolders.tokens(random, random.nextInt(1, 30)), completions));
    }
    List<String> seen = new ArrayList<>();
    for (PackedRun run : PACKER.pack(groups)) {
      assertThat(run.rows() * run.tokens()).isLessThanOrEqualTo(24);
      run.slots().forEach(slot -> seen.add(slot.group() + "/" + slot.completion()));
    }
    List<String> expected = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      for (int i = 0; i < groups.get(g).completions().size(); i++) {
        expected.add(g + "/" + i);
      }
    }
    assertThat(seen).containsExactlyInAnyOrderElementsOf(expected);
  }

  private static long[] longs(LongBuffer buffer) {
    long[] values = new long[buffer.capacity()];
    buffer.duplicate().get(0, values);
    return values;
  }

  private static List<String> mask(PackedRun run) {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < run.rows() * run.tokens(); row++) {
      StringBuilder text = new StringBuilder();
      for (int t = 0; t < run.tokens(); t++) {
        text.append(run.attentionMask().get(row * run.tokens() + t) == 1 ? 'x' : '.');
      }
      rows.add(text.toString());
    }
    return rows;
  }
}
