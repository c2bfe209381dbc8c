package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.sample.Numbers;

/**
 * One completion with the numbers that a loss may ask for; a list has one number for each of the T
 * tokens, or none.
 *
 * @param tokens T ≥ 1
 * @param advantages shape [T]; also [1], which stands for all tokens
 * @param behaviourLogProbs nats; none: the weights in training before this update
 * @param referenceLogProbs nats; none: computed where needed
 * @param logProbGradients ∂loss/∂logpᵗ, with the caller's own gradients only
 * @param entropyGradients ∂loss/∂Hᵗ, with the caller's own gradients only
 * @param preferred whether this is the preferred one of a pair
 */
public record TrainingCompletion(
    TokenIds tokens,
    Numbers advantages,
    Numbers behaviourLogProbs,
    Numbers referenceLogProbs,
    Numbers logProbGradients,
    Numbers entropyGradients,
    boolean preferred) {

  /** A completion of which only the tokens matter. */
  public static TrainingCompletion ofTokens(TokenIds tokens) {
    Numbers none = Numbers.of();
    return new TrainingCompletion(tokens, none, none, none, none, none, false);
  }

  /** Returns a copy with log-probabilities under the reference, shape [T]. */
  public TrainingCompletion withReference(Numbers logProbs) {
    return new TrainingCompletion(
        tokens,
        advantages,
        behaviourLogProbs,
        logProbs,
        logProbGradients,
        entropyGradients,
        preferred);
  }

  /** How many tokens there are, T. */
  public int size() {
    return tokens.size();
  }

  /** The advantages, one for each token. */
  Numbers advantageOfEachToken() {
    return advantages.size() == 1 ? Numbers.repeated(advantages.get(0), size()) : advantages;
  }

  /** Checks the lengths; a failure is MALFORMED_REQUEST and names {@code path}. */
  void requireLengths(String path) {
    if (size() == 0) {
      throw Faults.malformed(path + ".tokens", "none (expected: at least one)");
    }
    if (advantages.size() != 1) {
      requireLength(advantages, path + ".advantages");
    }
    requireLength(behaviourLogProbs, path + ".behaviour_log_probs");
    requireLength(referenceLogProbs, path + ".reference_log_probs");
    requireLength(logProbGradients, path + ".log_prob_gradients");
    requireLength(entropyGradients, path + ".entropy_gradients");
  }

  private void requireLength(Numbers numbers, String field) {
    if (numbers.size() != 0 && numbers.size() != size()) {
      throw Faults.malformed(field, "%d numbers for %d tokens".formatted(numbers.size(), size()));
    }
  }
}
