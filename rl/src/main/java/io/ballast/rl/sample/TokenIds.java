package io.ballast.rl.sample;

import java.util.Arrays;

/** The token ids of one completion, at least one, each ≥ 0; read by index. */
public final class TokenIds {
  private final int[] ids;

  private TokenIds(int[] ids) {
    this.ids = ids;
  }

  /**
   * Returns a copy of {@code ids}.
   *
   * @throws IllegalArgumentException if there is none, or one is negative
   */
  public static TokenIds of(int... ids) {
    if (ids.length == 0) {
      throw new IllegalArgumentException("tokens: no elements (expected: at least one)");
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0) {
        throw new IllegalArgumentException("tokens[" + i + "]: " + ids[i] + " (expected: >= 0)");
      }
    }
    return new TokenIds(ids.clone());
  }

  /** How many tokens there are, T. */
  public int size() {
    return ids.length;
  }

  /** The id at {@code index}, 0 to T − 1. */
  public int get(int index) {
    return ids[index];
  }

  /** Returns the ids as a new array, shape [T]. */
  public int[] toArray() {
    return ids.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenIds that && Arrays.equals(ids, that.ids);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ids);
  }

  @Override
  public String toString() {
    return Arrays.toString(ids);
  }
}
