package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A prompt is cut back to a token boundary where the cursor may stand inside a token. */
class PreparedPromptTest {
  private HuggingFaceTokenizerAdapter tokenizer;
  private VocabularyIndex vocabulary;

  @BeforeEach
  void load(@TempDir Path folder) throws IOException {
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    vocabulary = new VocabularyIndex(tokenizer);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  private PreparedPrompt prepare(String prompt, boolean heal) {
    return prepare(prompt, heal, 0, 4);
  }

  private PreparedPrompt prepare(String prompt, boolean heal, int maxPrompt, int maxNew) {
    return PreparedPrompt.of(
        new GenerationRequest(prompt, heal, maxPrompt, SamplingOptions.greedy(maxNew)),
        tokenizer,
        vocabulary,
        32);
  }

  private static String typed(PreparedPrompt prompt) {
    return new String(prompt.typed().bytes(), StandardCharsets.UTF_8);
  }

  @Test
  void withoutHealingThePromptIsItsTokens() {
    PreparedPrompt prompt = prepare("x.pri", false);
    assertThat(prompt.tokens()).isEqualTo(tokenizer.encode("x.pri"));
    assertThat(typed(prompt)).isEmpty();
  }

  @Test
  void theLastTokenIsTakenBackIfALongerOneBeginsWithIt() {
    PreparedPrompt prompt = prepare("x.pri", true);
    assertThat(prompt.tokens()).isEqualTo(tokenizer.encode("x."));
    assertThat(typed(prompt)).isEqualTo("pri");
  }

  @Test
  void severalTokensAreTakenBackIfOneTokenSpansThem() {
    // "printl" is "print" and "l", and "println" begins with both
    PreparedPrompt prompt = prepare("x.printl", true);
    assertThat(prompt.tokens()).isEqualTo(tokenizer.encode("x."));
    assertThat(typed(prompt)).isEqualTo("printl");
  }

  @Test
  void aBoundaryThatNoTokenReachesPastIsLeftAlone() {
    PreparedPrompt prompt = prepare("x();", true);
    assertThat(prompt.tokens()).isEqualTo(tokenizer.encode("x();"));
    assertThat(typed(prompt)).isEmpty();
  }

  @Test
  void aPromptHealedAwayBeginsWhereAFileBegins() {
    PreparedPrompt prompt = prepare("pri", true);
    assertThat(prompt.tokens()).isEqualTo(TokenIds.of(0));
    assertThat(typed(prompt)).isEqualTo("pri");
  }

  @Test
  void theLastTokensAreKeptWhenThePromptIsTooLong() {
    assertThat(prepare("a".repeat(50) + "b", false, 0, 4).tokens().size()).isEqualTo(28);
    TokenIds tokens = prepare("abcdef", false, 2, 4).tokens();
    assertThat(tokens).isEqualTo(tokenizer.encode("ef"));
  }

  @Test
  void anEmptyPromptIsRefused() {
    assertThatThrownBy(() -> prepare("", true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("prompt: empty");
  }

  @Test
  void whatAgreesWithTypedTextBeginsItOrBeginsWithIt() {
    BitSet agreeing = vocabulary.agreeing("pri".getBytes(StandardCharsets.UTF_8));
    List<String> texts =
        agreeing.stream().mapToObj(id -> tokenizer.decode(TokenIds.of(id))).sorted().toList();
    assertThat(texts).containsExactly("p", "pr", "pri", "print", "println");
  }
}
