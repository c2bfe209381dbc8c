package io.ballast.workshop.pretrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.torch.DecoderConfig;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.tokenizer.BpeModel;
import io.ballast.workshop.tokenizer.BpeTrainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training is made of: its tokens, their order, its rate, its card. */
class PretrainPartsTest {
  @TempDir Path folder;

  @Test
  void everyFileIsPrecededByTheEndOfText() {
    // one token a byte: 257 ids, no merges
    TokenFile tokens = TokenFile.encode(List.of(file("ab"), file("c")), bytesOnly());
    int[] all = tokens.window(0, tokens.size() - 1);
    assertThat(all).hasSize(5).startsWith(0);
    assertThat(all[3]).isZero();
  }

  @Test
  void tokensSurviveTheirFile() throws IOException {
    TokenFile tokens = TokenFile.encode(List.of(file("some text")), bytesOnly());
    tokens.write(folder.resolve("t"));
    TokenFile read = TokenFile.read(folder.resolve("t"));
    assertThat(read.window(0, 9)).containsExactly(tokens.window(0, 9));
    assertThat(read.size()).isEqualTo(10);
  }

  @Test
  void onePassShowsEveryWindowOnce() {
    Batches batches = new Batches(numbered(13), 2, 2, 1);
    // 13 tokens make (13 − 1) / 2 = 6 windows: three steps of two rows
    List<Integer> starts = new ArrayList<>();
    for (int step = 0; step < 3; step++) {
      Arrays.stream(batches.at(step)).forEach(row -> starts.add(row[0]));
    }
    int[] text = numbered(13).window(0, 12);
    assertThat(starts)
        .containsExactlyInAnyOrder(text[0], text[2], text[4], text[6], text[8], text[10]);
  }

  @Test
  void aStepIsTheSameWhereverTrainingResumes() {
    Batches straight = new Batches(numbered(41), 2, 2, 1);
    for (int step = 0; step < 25; step++) {
      int[][] resumed = new Batches(numbered(41), 2, 2, 1).at(step);
      assertThat(straight.at(step)).isDeepEqualTo(resumed);
    }
  }

  @Test
  void theRateRisesThenFallsToThreePercent() {
    LearningRate rate = new LearningRate(1.0, 50, 1_001);
    assertThat(rate.at(0)).isCloseTo(0.02, within(1e-12));
    assertThat(rate.at(49)).isCloseTo(1.0, within(1e-12));
    assertThat(rate.at(525)).isCloseTo(0.515, within(1e-12)); // half-way: (1 + 0.03) / 2
    assertThat(rate.at(1_000)).isCloseTo(0.03, within(1e-12));
  }

  @Test
  void bitsAByteFollowFromNatsAToken() {
    // one nat a token of four bytes: 1 / ln 2 / 4 bits a byte
    assertThat(new HeldOutLoss(numbered(3), 4).bitsPerByte(1)).isCloseTo(0.36067, within(1e-5));
  }

  @Test
  void theProgressLineSaysHowFarAndHowLong() {
    StringWriter log = new StringWriter();
    long[] now = {0};
    ProgressLine line = new ProgressLine(new PrintWriter(log), () -> now[0], 0, 100, 2_048);
    now[0] = 10_000_000_000L;
    line.heldOut(2.5, 0.9);
    line.stepped(25, 3.25);
    // 25 steps of 2,048 tokens in 10 s: 5,120 tokens/s, and 30 s for the other 75
    assertThat(log.toString())
        .contains("25 % · step 25 of 100 · 5,120 tokens/s · loss 3.250")
        .contains("held out 2.500 nats, 0.900 bits/byte")
        .contains("0:00:30 left");
  }

  @Test
  void theCardNamesDataFiguresAndCommand() {
    Workbench.Facts facts =
        new Workbench.Facts(List.of("gson-1"), List.of("csv-1"), 3, 700, 200, 1, 3.6, 9);
    String card =
        ModelCard.of(facts, DecoderConfig.tiny(4_096), 4, 8_192, 2.0, 0.8, "./mesh pretrain");
    assertThat(card)
        .contains("`gson-1`", "`csv-1`", "3,443,136 parameters", "3.50 bytes a token")
        .contains("8,192 tokens in 4 steps", "**0.800 bits a byte**", "`./mesh pretrain`");
  }

  private static TokenFile numbered(int size) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < size - 1; i++) {
      text.append((char) ('0' + i));
    }
    return TokenFile.encode(List.of(file(text.toString())), bytesOnly());
  }

  private static BpeModel bytesOnly() {
    return new BpeTrainer().train(257);
  }

  private static SourceFile file(String text) {
    return new SourceFile("a-1", "A.java", text);
  }
}
