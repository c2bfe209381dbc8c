package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import org.junit.jupiter.api.Test;

/** Log-probabilities come of all tokens, or of the new ones alone, and it is not said which. */
class ToldLogProbsTest {
  private final ToldLogProbs told = new ToldLogProbs();

  private static float[] of(float... values) {
    return values;
  }

  @Test
  void ofAllTokensSoFarTheLastAreNew() {
    assertThat(told.ofTokens(of(-1), 1)).containsExactly(-1);
    assertThat(told.ofTokens(of(-1, -2, -3), 2)).containsExactly(-2, -3);
    assertThat(told.ofTokens(of(-1, -2, -3), 0)).isEmpty();
  }

  @Test
  void ofNewTokensAllAreNew() {
    assertThat(told.ofTokens(of(-1, -2), 2)).containsExactly(-1, -2);
    assertThat(told.ofTokens(of(-3), 1)).containsExactly(-3);
    assertThat(told.ofTokens(of(), 0)).isEmpty();
  }

  /** The token that ends a text has one, though it is not told; old releases fill up with 0. */
  @Test
  void moreThanThereAreTokensAreLeftOut() {
    assertThat(told.ofTokens(of(-1, -2, 0, 0), 2)).containsExactly(-1, -2);
    assertThat(told.ofTokens(of(-1, -2, -3, 0), 1)).containsExactly(-3);
  }

  /** They are as many as those of all tokens would be, but do not begin with what was taken. */
  @Test
  void newOnesThatAreFilledUpAreNotTakenForAll() {
    assertThat(told.ofTokens(of(-1), 1)).containsExactly(-1);
    assertThat(told.ofTokens(of(-2, 0), 1)).containsExactly(-2);
    assertThat(told.ofTokens(of(-3, 0, 0, 0), 1)).containsExactly(-3);
    assertThat(told.ofTokens(of(-4, -5, 0, 0, 0, 0), 2)).containsExactly(-4, -5);
  }

  /** After tokens that were certain both readings are alike; the first that differs decides. */
  @Test
  void whereNumbersAreZerosItIsNotDecidedYet() {
    assertThat(told.ofTokens(of(0), 1)).containsExactly(0);
    assertThat(told.ofTokens(of(0, 0), 1)).containsExactly(0);
    assertThat(told.ofTokens(of(-3, 0, 0), 1)).containsExactly(-3);
    assertThat(told.ofTokens(of(-4, 0, 0, 0), 1)).containsExactly(-4);

    ToldLogProbs all = new ToldLogProbs();
    assertThat(all.ofTokens(of(0), 1)).containsExactly(0);
    assertThat(all.ofTokens(of(0, 0), 1)).containsExactly(0);
    assertThat(all.ofTokens(of(0, 0, -3), 1)).containsExactly(-3);
    assertThat(all.ofTokens(of(0, 0, -3, 0), 1)).containsExactly(0);
  }

  /** Once those of all tokens were told, what does not begin with them is none of the token's. */
  @Test
  void othersThanThoseOfAllTokensAreRefused() {
    assertThat(told.ofTokens(of(-1), 1)).containsExactly(-1);
    assertThat(told.ofTokens(of(-1, 0), 1)).containsExactly(0); // was filled up, as shows now
    assertThatThrownBy(() -> told.ofTokens(of(-1, -2, -3), 1))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessage("3 log-probabilities with 1 tokens, after 2");
  }

  /** Of the one after those of the tokens nobody knows whose it is if the text goes on. */
  @Test
  void oneMoreThanTokensIsOfTheEnd() {
    assertThat(told.ofTokens(of(-1, -2), 1)).containsExactly(-1);
    assertThat(told.ofTokens(of(-7), 0)).isEmpty();
    assertThatThrownBy(() -> told.ofTokens(of(-3), 1))
        .hasMessage("1 log-probabilities with 1 tokens, after 1");

    ToldLogProbs ahead = new ToldLogProbs();
    assertThat(ahead.ofTokens(of(-1, -2), 1)).containsExactly(-1);
    assertThat(ahead.ofTokens(of(-1, -2, -3), 1)).containsExactly(-2);
    assertThat(ahead.ofTokens(of(-1, -2, -3), 1)).containsExactly(-3);
  }

  @Test
  void otherNumbersOfThemAreRefused() {
    assertThat(told.ofTokens(of(-1, -2, -3), 3)).hasSize(3);
    assertThatThrownBy(() -> told.ofTokens(of(-4, -5, -6), 1))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessage("3 log-probabilities with 1 tokens, after 3");
    assertThatThrownBy(() -> told.ofTokens(of(-4), 2))
        .hasMessage("1 log-probabilities with 2 tokens, after 3");
    assertThatThrownBy(() -> told.ofTokens(of(), 1))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessage("the back end tells no log-probabilities");
  }

  @Test
  void withoutTokensTheNumbersThemselvesSayWhich() {
    assertThat(told.fresh(of(-1), true)).containsExactly(-1);
    assertThat(told.fresh(of(-1, -2), true)).containsExactly(-2);
    assertThat(told.fresh(of(-1, -2), false)).isEmpty();
    assertThat(told.fresh(of(-1, -2, -2), true)).containsExactly(-2);
    assertThatThrownBy(() -> told.fresh(of(-7), true))
        .hasMessage("1 log-probabilities, which are not those of the 3 tokens before, and more");
  }

  /** Two tokens that were certain look like one told twice, but for the text. */
  @Test
  void equalNumbersWithTextAreNew() {
    assertThat(told.fresh(of(0), true)).containsExactly(0);
    assertThat(told.fresh(of(0), true)).containsExactly(0);
    assertThat(told.fresh(of(0), true)).containsExactly(0);
    assertThat(told.fresh(of(-1), true)).containsExactly(-1);
  }
}
