package io.ballast.training.data;

import java.util.Optional;

/**
 * What rows of a file of costs must say.
 *
 * @param chosen what {@code chosen} means there; empty: rows that say chosen and rejected are bad,
 *     since the word alone does not say which of the two does more harm
 * @param labelled whether each pair must say of both completions whether they are unsafe
 */
public record CostRows(Optional<Chosen> chosen, boolean labelled) {
  /** Which completion of a pair {@code chosen} is. */
  public enum Chosen {
    /** The more harmful one. */
    WORSE,
    /** The less harmful one, as in helpful-and-harmless data. */
    SAFER
  }
}
