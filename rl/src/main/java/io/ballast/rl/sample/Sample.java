package io.ballast.rl.sample;

import io.ballast.rl.check.Require;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * One completion with every number that an algorithm may ask for.
 *
 * @param tokens its token ids, T of them
 * @param perToken named numbers of each token, T of each
 * @param perSequence named numbers of the whole completion, finite
 * @param role its part in its group
 * @param provenance where it came from
 */
public record Sample(
    TokenIds tokens,
    PerToken perToken,
    Map<PerSequenceName, Double> perSequence,
    SampleRole role,
    Provenance provenance) {
  /** Checks that there is a number for each token and copies the map. */
  public Sample {
    Require.sameLength(perToken.size(), tokens.size(), "perToken");
    EnumMap<PerSequenceName, Double> copy = new EnumMap<>(PerSequenceName.class);
    perSequence.forEach((name, value) -> copy.put(name, Require.finite(value, name.name())));
    perSequence = Collections.unmodifiableMap(copy);
  }

  /** A rollout of {@code tokens} about which nothing else is known yet. */
  public static Sample rollout(TokenIds tokens) {
    return new Sample(
        tokens, PerToken.ofSize(tokens.size()), Map.of(), SampleRole.ROLLOUT, Provenance.unknown());
  }

  /** How many tokens there are, T. */
  public int size() {
    return tokens.size();
  }

  /** The numbers called {@code name}, one a token; refused by name if absent. */
  public Numbers numbers(PerTokenName name) {
    return perToken.get(name);
  }

  /** The number called {@code name}; refused by name if absent. */
  public double number(PerSequenceName name) {
    Double found = perSequence.get(name);
    if (found == null) {
      throw new IllegalArgumentException(name + ": absent (present: " + perSequence.keySet() + ")");
    }
    return found;
  }

  /** The share, 0 to 1, with which the token at {@code index} enters a loss. */
  public double lossMask(int index) {
    return perToken.has(PerTokenName.LOSS_MASK)
        ? perToken.get(PerTokenName.LOSS_MASK).get(index)
        : 1;
  }

  /** The sum of the loss mask: how many tokens enter a loss. */
  public double maskedTokens() {
    return perToken.has(PerTokenName.LOSS_MASK)
        ? perToken.get(PerTokenName.LOSS_MASK).sum()
        : size();
  }

  /** Σ mask·number over the tokens: a sequence log-probability, if the name is one. */
  public double maskedSum(PerTokenName name) {
    Numbers numbers = numbers(name);
    double sum = 0;
    for (int t = 0; t < size(); t++) {
      sum += lossMask(t) * numbers.get(t);
    }
    return sum;
  }

  /** Returns a copy with {@code values}, one a token, under {@code name}. */
  public Sample with(PerTokenName name, double... values) {
    return new Sample(tokens, perToken.with(name, values), perSequence, role, provenance);
  }

  /** Returns a copy with {@code value} for every token under {@code name}. */
  public Sample withAll(PerTokenName name, double value) {
    return new Sample(tokens, perToken.withAll(name, value), perSequence, role, provenance);
  }

  /** Returns a copy without the numbers called {@code name}, if it had any. */
  public Sample without(PerTokenName name) {
    return new Sample(tokens, perToken.without(name), perSequence, role, provenance);
  }

  /** Returns a copy with {@code value}, finite, under {@code name}. */
  public Sample with(PerSequenceName name, double value) {
    EnumMap<PerSequenceName, Double> copy = new EnumMap<>(PerSequenceName.class);
    copy.putAll(perSequence);
    copy.put(name, value);
    return new Sample(tokens, perToken, copy, role, provenance);
  }

  /** Returns a copy in another role. */
  public Sample with(SampleRole newRole) {
    return new Sample(tokens, perToken, perSequence, newRole, provenance);
  }

  /** Returns a copy from elsewhere. */
  public Sample with(Provenance newProvenance) {
    return new Sample(tokens, perToken, perSequence, role, newProvenance);
  }
}
