package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration.Told;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.TokensOfText.Index;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Of a text, the tokens that it is made of: certain, as our tokenizer writes it, or refused. */
class TokensOfTextTest {
  private static final Tokenizer TOKENIZER =
      HuggingFaceTokenizerAdapter.ofFolder(DecoderContract.MODELS.resolve("java-tiny/1"));
  private static final Index INDEX = Index.of(TOKENIZER);

  private final TokensOfText tokens = new TokensOfText(TOKENIZER, INDEX);

  private static int[] ids(List<Told> told) {
    return told.stream().mapToInt(Told::tokenId).toArray();
  }

  /** Every token of the vocabulary that is whole text is found again, alone. */
  @Test
  void aPieceOfOneTokenIsThatToken() {
    int found = 0;
    for (int id = 0; id < TOKENIZER.vocabularySize(); id++) {
      String text = new String(TOKENIZER.bytesOf(id), StandardCharsets.UTF_8);
      if (!text.isEmpty() && !text.contains("\uFFFD")) {
        assertThat(ids(tokens.follows(text, new float[] {-1}))).containsExactly(id);
        found++;
      }
    }
    assertThat(found).isGreaterThan(TOKENIZER.vocabularySize() / 2);
    assertThat(tokens.whole()).isTrue();
  }

  @Test
  void aPieceOfSeveralIsWrittenAsOurTokenizerDoesIfThereAreAsMany() {
    int[] written = TOKENIZER.encode("for (int i = 0").toArray();

    List<Told> told = tokens.follows("for (int i = 0", new float[written.length]);

    assertThat(ids(told)).containsExactly(written);
    assertThatThrownBy(() -> tokens.follows("for (int i = 0", new float[written.length - 1]))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("which does not say what tokens they are");
  }

  @Test
  void aTokenWithoutATextEndsIt() {
    assertThat(ids(tokens.follows("", new float[] {-1}))).containsExactly(TOKENIZER.endOfTextId());
    assertThat(ids(tokens.follows(";", new float[] {-1, -2})))
        .endsWith(TOKENIZER.endOfTextId())
        .hasSize(2);
    assertThat(tokens.follows("", new float[0])).isEmpty();
  }

  @Test
  void aTextThatGrowsIsHeldBackWhereACharacterIsNotWhole() {
    int[] written = TOKENIZER.encode("a€").toArray();
    assertThat(written.length).as("of several tokens").isGreaterThan(2);

    assertThat(ids(tokens.soFar("a", new float[] {-1}))).containsExactly(written[0]);
    for (int i = 1; i < written.length - 1; i++) {
      assertThat(tokens.soFar("a\uFFFD", new float[] {-i})).isEmpty();
      assertThat(tokens.whole()).isFalse();
    }
    assertThat(ids(tokens.soFar("a€", new float[] {-9})))
        .containsExactly(Arrays.copyOfRange(written, 1, written.length));
    assertThatThrownBy(() -> tokens.soFar("b", new float[] {-1}))
        .hasMessage("the text 'b' does not begin with what came before, 'a€'");
  }

  @Test
  void textWithoutLogProbabilitiesIsRefused() {
    assertThatThrownBy(() -> tokens.follows("a", new float[0]))
        .isInstanceOf(ModelException.class)
        .hasMessage("the back end tells no log-probabilities");
  }
}
