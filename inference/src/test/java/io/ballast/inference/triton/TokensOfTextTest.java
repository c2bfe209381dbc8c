package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration.Told;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.TokensOfText.Index;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
        assertThat(ids(tokens.follows(text, new float[] {-1}, false))).containsExactly(id);
        found++;
      }
    }
    assertThat(found).isGreaterThan(TOKENIZER.vocabularySize() / 2);
    assertThat(tokens.whole()).isTrue();
  }

  @Test
  void aPieceOfSeveralIsWrittenAsOurTokenizerDoesIfThereAreAsMany() {
    int[] written = TOKENIZER.encode("for (int i = 0").toArray();

    List<Told> told = tokens.follows("for (int i = 0", new float[written.length], false);

    assertThat(ids(told)).containsExactly(written);
    assertThatThrownBy(() -> tokens.follows("for (int i = 0", new float[written.length - 1], false))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("which does not say what tokens they are");
  }

  @Test
  void aTokenWithoutATextEndsItWhereNothingFollows() {
    assertThat(tokens.follows("", new float[0], false)).isEmpty();
    assertThat(ids(tokens.follows(";", new float[] {-1}, false))).hasSize(1);
    List<Told> end = tokens.follows("", new float[] {-2}, true);
    assertThat(end).containsExactly(new Told(TOKENIZER.endOfTextId(), -2));
    assertThat(tokens.whole()).isTrue();
  }

  /** The server's mark comes alone: that an answer was the last shows after it. */
  @Test
  void aTokenWithoutATextIsHeldBackUntilTheEnd() {
    assertThat(tokens.follows("", new float[] {-1}, false)).isEmpty();
    assertThat(tokens.whole()).isFalse();
    assertThat(ids(tokens.end())).containsExactly(TOKENIZER.endOfTextId());
    assertThat(tokens.whole()).isTrue();
    assertThat(tokens.end()).isEmpty();
  }

  /** At temperature 1 "a" and "b" may be drawn where the tokenizer writes "ab" as one token. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aTokenFewerThanLogProbabilitiesIsNoEnd(boolean last) {
    TokensOfText pair = new TokensOfText(new PairTokenizer(), Index.of(new PairTokenizer()));

    assertThatThrownBy(() -> pair.follows("ab", new float[] {-1, -2}, last))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageContaining("the text 'ab' of 2 tokens, which does not say what tokens they are");
  }

  @Test
  void twoTokensWithoutATextAreNotTold() {
    assertThat(tokens.follows("", new float[] {-1, -2}, true)).isEmpty();
    assertThatThrownBy(tokens::requireWhole)
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN));
  }

  /** As a tokenizer that normalises: it reads "A" and writes "a". */
  @Test
  void tokensThatDoNotSpellTheTextAreRefused() {
    TokensOfText pair = new TokensOfText(new PairTokenizer(), Index.of(new PairTokenizer()));

    assertThat(ids(pair.follows("bb", new float[] {-1, -2}, false))).containsExactly(2, 2);
    assertThatThrownBy(() -> pair.follows("Ab", new float[] {-1}, false))
        .hasMessageContaining("the text 'Ab' of 1 tokens");
    assertThat(PairTokenizer.IDS.encode("Ab").toArray()).as("as many").containsExactly(3);
  }

  /** Where the server leaves special tokens in its texts. */
  @Test
  void theTokenThatEndsATextMayBeToldByItsName() {
    TokensOfText pair = new TokensOfText(new PairTokenizer(), Index.of(new PairTokenizer()));

    assertThat(ids(pair.follows("</s>", new float[] {-1}, false))).containsExactly(0);
  }

  @Test
  void aTextThatGrowsIsHeldBackWhereACharacterIsNotWhole() {
    int[] written = TOKENIZER.encode("a€").toArray();
    assertThat(written.length).as("of several tokens").isGreaterThan(2);

    assertThat(ids(tokens.soFar("a", new float[] {-1}, false))).containsExactly(written[0]);
    for (int i = 1; i < written.length - 1; i++) {
      assertThat(tokens.soFar("a\uFFFD", new float[] {-i}, false)).isEmpty();
      assertThat(tokens.whole()).isFalse();
    }
    assertThat(ids(tokens.soFar("a€", new float[] {-9}, true)))
        .containsExactly(Arrays.copyOfRange(written, 1, written.length));
    assertThatThrownBy(() -> tokens.soFar("b", new float[] {-1}, false))
        .hasMessage("the text 'b' does not begin with what came before, 'a€'");
  }

  @Test
  void textWithoutLogProbabilitiesIsRefused() {
    assertThatThrownBy(() -> tokens.follows("a", new float[0], false))
        .isInstanceOf(ModelException.class)
        .hasMessage("the back end tells no log-probabilities");
  }

  /** 1 is "a", 2 "b", 3 "ab", which it prefers; 0 ends a text. Reads capitals as small letters. */
  private static final class PairTokenizer implements Tokenizer {
    static final PairTokenizer IDS = new PairTokenizer();
    private static final List<String> TEXTS = List.of("", "a", "b", "ab");

    @Override
    public TokenIds encode(String text) {
      String rest = text.toLowerCase(Locale.ROOT).replace("</s>", "0").replace("ab", "3");
      return TokenIds.of(
          rest.replace("a", "1").replace("b", "2").chars().map(c -> c - '0').toArray());
    }

    @Override
    public String decode(TokenIds tokens) {
      return Arrays.stream(tokens.toArray()).mapToObj(TEXTS::get).collect(Collectors.joining());
    }

    @Override
    public byte[] bytesOf(int id) {
      return TEXTS.get(id).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public int vocabularySize() {
      return TEXTS.size();
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
