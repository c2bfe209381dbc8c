package io.ballast.rl.sample;

import io.ballast.rl.check.Require;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Named numbers of the tokens of one completion: for each name that is present, one finite number a
 * token. Immutable.
 */
public final class PerToken {
  private final int size;
  private final Map<PerTokenName, Numbers> numbers;

  private PerToken(int size, Map<PerTokenName, Numbers> numbers) {
    this.size = size;
    this.numbers = numbers;
  }

  /** No numbers yet, for {@code size} tokens, at least one. */
  public static PerToken ofSize(int size) {
    return new PerToken(
        Require.atLeast(size, 1, "tokens"),
        Collections.unmodifiableMap(new EnumMap<>(PerTokenName.class)));
  }

  /**
   * Returns a copy that also holds {@code values} under {@code name}, in place of any before.
   *
   * @throws IllegalArgumentException if there is not one finite number a token, or if a loss mask
   *     leaves [0, 1]
   */
  public PerToken with(PerTokenName name, double... values) {
    Require.sameLength(values.length, size, name.name());
    Require.finite(values, name.name());
    if (name == PerTokenName.LOSS_MASK) {
      Require.probabilities(values, name.name());
    }
    EnumMap<PerTokenName, Numbers> copy = new EnumMap<>(PerTokenName.class);
    copy.putAll(numbers);
    copy.put(name, Numbers.of(values));
    return new PerToken(size, Collections.unmodifiableMap(copy));
  }

  /** Returns a copy that holds {@code value} for every token under {@code name}. */
  public PerToken withAll(PerTokenName name, double value) {
    return with(name, Numbers.repeated(value, size).toArray());
  }

  /** Returns a copy without the numbers called {@code name}, if there are any. */
  public PerToken without(PerTokenName name) {
    EnumMap<PerTokenName, Numbers> copy = new EnumMap<>(PerTokenName.class);
    copy.putAll(numbers);
    copy.remove(name);
    return new PerToken(size, Collections.unmodifiableMap(copy));
  }

  /** How many tokens there are, T. */
  public int size() {
    return size;
  }

  /** The names that are present. */
  public Set<PerTokenName> names() {
    return numbers.keySet();
  }

  /** Whether the numbers called {@code name} are present. */
  public boolean has(PerTokenName name) {
    return numbers.containsKey(name);
  }

  /**
   * Returns the numbers called {@code name}, one a token.
   *
   * @throws IllegalArgumentException if they are absent
   */
  public Numbers get(PerTokenName name) {
    Numbers found = numbers.get(name);
    if (found == null) {
      throw new IllegalArgumentException(name + ": absent (present: " + numbers.keySet() + ")");
    }
    return found;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PerToken that && size == that.size && numbers.equals(that.numbers);
  }

  @Override
  public int hashCode() {
    return 31 * size + numbers.hashCode();
  }

  @Override
  public String toString() {
    return numbers.toString();
  }
}
