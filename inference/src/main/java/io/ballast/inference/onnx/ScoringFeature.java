package io.ballast.inference.onnx;

import java.util.List;
import java.util.Locale;

/** What heads may see of a completion under the frozen trunk. Log-probabilities are in nats. */
public enum ScoringFeature {
  /** The hidden state, after the final norm, at the completion's last token. */
  LAST_HIDDEN,
  /** The mean hidden state over the completion's tokens. */
  MEAN_HIDDEN,
  /** The sum of the tokens' log-probabilities. */
  SUM_LOG_PROB,
  /** Their mean. */
  MEAN_LOG_PROB,
  /** The least of them. */
  LEAST_LOG_PROB,
  /** The first token's log-probability. */
  FIRST_LOG_PROB,
  /** The sum over the first two tokens, or fewer. */
  FIRST_TWO_LOG_PROB,
  /** The sum over the first four tokens, or fewer. */
  FIRST_FOUR_LOG_PROB,
  /** The number of tokens. */
  LENGTH,
  /** The natural logarithm of the number of tokens. */
  LOG_LENGTH;

  /** All features, in the order that heads see them by default. */
  public static List<ScoringFeature> all() {
    return List.of(values());
  }

  /** Those that need no language head: what members with blocks of their own see. */
  public static List<ScoringFeature> withoutLikelihoods() {
    return all().stream().filter(feature -> !feature.needsLogProbs()).toList();
  }

  /** How many numbers it is, for a trunk of a hidden size. */
  public int width(int hiddenSize) {
    return this == LAST_HIDDEN || this == MEAN_HIDDEN ? hiddenSize : 1;
  }

  /** The width of several features side by side. */
  public static int width(List<ScoringFeature> features, int hiddenSize) {
    return features.stream().mapToInt(feature -> feature.width(hiddenSize)).sum();
  }

  /** Whether it is made of the tokens' log-probabilities, which take a product with the head. */
  boolean needsLogProbs() {
    return switch (this) {
      case LAST_HIDDEN, MEAN_HIDDEN, LENGTH, LOG_LENGTH -> false;
      case SUM_LOG_PROB,
          MEAN_LOG_PROB,
          LEAST_LOG_PROB,
          FIRST_LOG_PROB,
          FIRST_TWO_LOG_PROB,
          FIRST_FOUR_LOG_PROB ->
          true;
    };
  }

  /** Its name in a scoring folder's {@code config.json}. */
  public String code() {
    return name().toLowerCase(Locale.ROOT);
  }
}
