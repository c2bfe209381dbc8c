package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text becomes ids and comes back whole, however long and whatever its characters. */
class HuggingFaceTokenizerAdapterTest {
  @TempDir private Path folder;
  private HuggingFaceTokenizerAdapter tokenizer;

  @BeforeEach
  void load() throws IOException {
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  @Test
  void mergesMakeOneTokenOfAWord() {
    TokenIds ids = tokenizer.encode("println");
    assertThat(ids.size()).isEqualTo(1);
    assertThat(tokenizer.bytesOf(ids.get(0)))
        .isEqualTo("println".getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void anyTextComesBack() {
    String text = "System.out.println(\"Grüße, 世界 🎈\\n\");\n\t    // done\u0000";
    assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
  }

  @Test
  void nothingIsTruncatedOrAdded() {
    assertThat(tokenizer.encode("x".repeat(3000)).size()).isEqualTo(3000);
    assertThat(tokenizer.encode("").size()).isZero();
  }

  @Test
  void partOfACharacterBecomesTheReplacementCharacter() {
    TokenIds balloon = tokenizer.encode("🎈");
    assertThat(balloon.size()).isEqualTo(4);
    assertThat(tokenizer.decode(balloon.slice(0, 3))).isEqualTo("\uFFFD");
  }

  @Test
  void aSpecialTokenHasNoBytes() {
    assertThat(tokenizer.bytesOf(tokenizer.endOfTextId())).isEmpty();
    assertThat(tokenizer.vocabularySize()).isEqualTo(TinyTokenizer.vocabularySize());
  }

  @Test
  void halfASurrogatePairIsNamed() {
    assertThatThrownBy(() -> tokenizer.encode("ab\uD83Cc"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text[2]: half a surrogate pair");
  }

  @Test
  void aFileThatIsMissingOrOfAnotherKindIsRefused() throws IOException {
    assertThatThrownBy(() -> HuggingFaceTokenizerAdapter.load(folder.resolve("absent.json"), 0))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("absent.json: the file is missing");
    Path other =
        Files.writeString(folder.resolve("other.json"), "{\"model\":{\"type\":\"Unigram\"}}");
    assertThatThrownBy(() -> HuggingFaceTokenizerAdapter.load(other, 0))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("model Unigram");
  }
}
