package io.ballast.inference.api;

import java.util.Arrays;

/** An immutable sequence of token ids of one tokenizer. */
public final class TokenIds {
  private static final TokenIds EMPTY = new TokenIds(new int[0]);

  private final int[] ids;

  private TokenIds(int[] ids) {
    this.ids = ids;
  }

  /** Returns the sequence of {@code ids}, which are copied. */
  public static TokenIds of(int... ids) {
    return ids.length == 0 ? EMPTY : new TokenIds(ids.clone());
  }

  /** The number of tokens. */
  public int size() {
    return ids.length;
  }

  /** Returns the id at {@code index}, 0 ≤ index &lt; size. */
  public int get(int index) {
    return ids[index];
  }

  /** Returns the ids from {@code from} (inclusive) to {@code to} (exclusive). */
  public TokenIds slice(int from, int to) {
    return of(Arrays.copyOfRange(ids, from, to));
  }

  /** Returns the last {@code count} ids, or all of them if there are fewer. */
  public TokenIds last(int count) {
    return ids.length <= count ? this : slice(ids.length - count, ids.length);
  }

  /** Returns this sequence followed by {@code other}. */
  public TokenIds concat(TokenIds other) {
    int[] joined = Arrays.copyOf(ids, ids.length + other.ids.length);
    System.arraycopy(other.ids, 0, joined, ids.length, other.ids.length);
    return new TokenIds(joined);
  }

  /** Returns a new array of the ids. */
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
