package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The log-probabilities of one generation as TensorRT-LLM tells them: those of all tokens so far
 * with each answer, or of the new ones alone. Its releases and runtimes differ, so that the numbers
 * themselves have to say which.
 */
final class ToldLogProbs {
  private float[] taken = {};
  private @Nullable Boolean all;

  /**
   * Returns those of the last {@code fresh} tokens.
   *
   * @param told what an answer tells; a runtime may tell that of the token that ends a text, but
   *     not the token, or fill up with zeros
   * @throws ModelException UNSUPPORTED if it tells none, BROKEN if too few
   */
  float[] ofTokens(float[] told, int fresh) {
    if (fresh == 0) {
      return new float[0];
    }
    int total = taken.length + fresh;
    float[] last;
    if (told.length >= total) {
      last = Arrays.copyOfRange(told, taken.length, total);
    } else if (told.length == fresh) {
      last = told;
    } else {
      throw told.length == 0
          ? new ModelException(Reason.UNSUPPORTED, "the back end tells no log-probabilities")
          : new ModelException(
              Reason.BROKEN,
              "%,d log-probabilities with %,d tokens, after %,d"
                  .formatted(told.length, fresh, taken.length));
    }
    take(last);
    return last;
  }

  /**
   * Returns those that are new, where the answer does not say how many tokens are.
   *
   * @param text whether text has come with them
   */
  float[] fresh(float[] told, boolean text) {
    boolean begins =
        told.length >= taken.length
            && Arrays.equals(told, 0, taken.length, taken, 0, taken.length)
            && (told.length > taken.length || !text);
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
