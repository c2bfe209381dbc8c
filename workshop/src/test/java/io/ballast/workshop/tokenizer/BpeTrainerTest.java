package io.ballast.workshop.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trainer merges what stands together most often, and its file means what it means here. */
class BpeTrainerTest {
  private static final String SOURCE =
      """
      final class Counter {
      \tprivate int value = 1024;
          int next(int step) {
              return this.value += step; // é 漢字 😀
          }
          String shown() { return "value: " + value + "\\t" + next(12345); }
      }
      """;

  @TempDir Path folder;

  @Test
  void theMostFrequentPairIsMergedFirst() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("abab abab cab");
    // pieces "abab", " abab", " cab": the pair ab stands 5 times, then abab twice
    BpeModel model = trainer.train(259);
    assertThat(text(model, 257)).isEqualTo("ab");
    assertThat(text(model, 258)).isEqualTo("abab");
    assertThat(model.encode("abab")).containsExactly(258);
  }

  @Test
  void aPairIsCountedAgainAfterItsNeighboursMerged() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("xyz xyz xyz xy yz yz");
    // xy: 4, yz: 5 → yz first; then x + yz stands 3 times, and xy only once
    BpeModel model = trainer.train(260);
    assertThat(text(model, 257)).isEqualTo("yz");
    assertThat(List.of(text(model, 258), text(model, 259))).contains("xyz");
  }

  @Test
  void trainingStopsWhenNothingStandsTwice() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("abc");
    assertThat(trainer.train(300).size()).isEqualTo(257);
  }

  @Test
  void aVocabularyWithoutRoomForTheBytesIsRefused() {
    assertThatThrownBy(() -> new BpeTrainer().train(256))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("vocabulary size: 256");
  }

  @Test
  void aLineBreakWithItsIndentationIsOneToken() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("a\n        b\n        c");
    BpeModel model = trainer.train(400);
    assertThat(model.encode("\n        ")).hasSize(1);
  }

  @Test
  void everyTextSurvivesEncodingAndDecoding() {
    BpeModel model = trained();
    for (String text : samples()) {
      assertThat(model.decode(model.encode(text))).isEqualTo(text);
    }
  }

  @Test
  void theTokenizerLibraryReadsTheFileAndEncodesAlike() throws IOException {
    BpeModel model = trained();
    model.write(folder);
    try (HuggingFaceTokenizer library =
        HuggingFaceTokenizer.newInstance(
            folder.resolve("tokenizer.json"),
            Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"))) {
      for (String text : samples()) {
        assertThat(library.encode(text, false, false).getIds())
            .as("ids of <%s>", text)
            .containsExactly(asLongs(model.encode(text)));
        assertThat(library.decode(asLongs(model.encode(text)), false)).isEqualTo(text);
      }
      assertThat(library.encode(BpeModel.END_OF_TEXT, false, false).getIds()).containsExactly(0);
    }
  }

  /** Sources, edge cases of white space, and random mixtures of signs that regexes disagree on. */
  private static List<String> samples() {
    String alphabet = "ab Z_9 12 \t\n\r\f\u000B\u00A0\u2003\u0085é漢😀²Ⅷ();\"{}.->\\ ";
    int[] points = alphabet.codePoints().toArray();
    Random random = new Random(7);
    StringBuilder mixture = new StringBuilder();
    for (int i = 0; i < 4_000; i++) {
      mixture.appendCodePoint(points[random.nextInt(points.length)]);
    }
    return List.of(
        SOURCE,
        "",
        " ",
        "  x",
        "x  ",
        "a \n  b",
        "\t\tx  y   (",
        "\r\n\r\n  z",
        mixture.toString());
  }

  private static BpeModel trained() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(SOURCE);
    trainer.add("int value = value + next(value); return value;\n        int step;\n");
    return trainer.train(320);
  }

  private static String text(BpeModel model, int id) {
    return new String(model.bytesOf(id), StandardCharsets.UTF_8);
  }

  private static long[] asLongs(int[] ids) {
    return Arrays.stream(ids).asLongStream().toArray();
  }
}
