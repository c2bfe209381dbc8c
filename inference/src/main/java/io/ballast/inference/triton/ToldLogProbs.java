package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The log-probabilities of one generation as TensorRT-LLM tells them: those of all tokens so far
 * with each answer, or of the new ones alone. Its releases and runtimes differ, so that the numbers
 * themselves have to say which: they are those of all tokens if they begin with what was taken.
 * After those of the tokens there may be one of the token that ends the text, and then zeros. A
 * token that was certain has 0 too, so that a 0 in a token's place is believed.
 */
final class ToldLogProbs {
  private float[] taken = {};
  private @Nullable Boolean all;

  /** Whether one was told that no token came with: none may follow, unless it is told again. */
  private boolean more;

  /**
   * Returns those of the last {@code fresh} tokens.
   *
   * @param told what an answer tells; a runtime may tell that of the token that ends a text, but
   *     not the token, or fill up with zeros
   * @throws ModelException BROKEN if it tells none, or other than so many
   */
  float[] ofTokens(float[] told, int fresh) {
    if (fresh == 0) {
      return new float[0];
    }
    if (told.length == 0) {
      throw new ModelException(Reason.BROKEN, "the back end tells no log-probabilities");
    }
    boolean begins = told.length >= taken.length + fresh && begins(told);
    boolean asAll = all == null ? begins : all;
    int end = asAll ? taken.length + fresh : fresh;
    if (told.length < end || asAll && !begins || !asAll && more) {
      throw unlike(told, fresh);
    }
    float[] last = Arrays.copyOfRange(told, end - fresh, end);
    if (all == null && taken.length > 0) {
      boolean same = begins && Arrays.equals(last, Arrays.copyOf(told, fresh));
      all = same ? null : Boolean.valueOf(asAll);
    }
    if (!asAll || taken.length == 0) {
      requireAtMostOneMore(told, fresh);
    }
    take(last);
    return last;
  }

  /** Of numbers taken for those of the new tokens alone. */
  private void requireAtMostOneMore(float[] told, int fresh) {
    for (int i = fresh + 1; i < told.length; i++) {
      if (told[i] != 0) {
        throw unlike(told, fresh);
      }
    }
    more = told.length > fresh && told[fresh] != 0;
  }

  private ModelException unlike(float[] told, int fresh) {
    return new ModelException(
        Reason.BROKEN,
        "%,d log-probabilities with %,d tokens, after %,d"
            .formatted(told.length, fresh, taken.length));
  }

  private boolean begins(float[] told) {
    return told.length >= taken.length
        && Arrays.equals(told, 0, taken.length, taken, 0, taken.length);
  }

  /**
   * Returns those that are new, where the answer does not say how many tokens are.
   *
   * @param text whether text has come with them
   */
  float[] fresh(float[] told, boolean text) {
    boolean begins = begins(told) && (told.length > taken.length || !text);
    if (all == null && taken.length > 0 && told.length > 0) {
      all = begins;
    }
    if (Boolean.TRUE.equals(all) && !begins) {
      throw new ModelException(
          Reason.BROKEN,
          "%,d log-probabilities, which are not those of the %,d tokens before, and more"
              .formatted(told.length, taken.length));
    }
    float[] last =
        Boolean.TRUE.equals(all) ? Arrays.copyOfRange(told, taken.length, told.length) : told;
    take(last);
    return last;
  }

  private void take(float[] last) {
    float[] joined = Arrays.copyOf(taken, taken.length + last.length);
    System.arraycopy(last, 0, joined, taken.length, last.length);
    taken = joined;
  }
}
