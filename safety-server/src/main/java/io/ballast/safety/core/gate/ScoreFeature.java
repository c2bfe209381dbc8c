package io.ballast.safety.core.gate;

import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * What stage 2 of a gate of {@link FeatureSet#TEXT_AND_HISTORY} sees of the suggestion's scores;
 * one that nobody asked for is missing.
 */
public enum ScoreFeature {
  /** The reward. */
  REWARD(GateScores::reward),
  /** How much the ensemble's members disagree on it. */
  REWARD_SPREAD(GateScores::rewardSpread),
  /** The probability of harm. */
  HARM_PROBABILITY(GateScores::harmProbability);

  private final Function<GateScores, OptionalDouble> value;

  ScoreFeature(Function<GateScores, OptionalDouble> value) {
    this.value = value;
  }

  /** Its name in a gate model folder. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  float of(GateScores scores) {
    return (float) value.apply(scores).orElse(Double.NaN);
  }
}
