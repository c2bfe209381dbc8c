package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.Need;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;

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
 * @param preferred whether this is the preferred one of a pair, or rated good
 * @param preferenceBaseline KTO's z, shape [1], nats; none: 0
 * @param servedLogProbs what whoever sampled said, nats
 * @param lossMask the share, 0 to 1, with which a token enters a named objective's loss; none: 1
 * @param fromReference whether the reference sampled it, beside a pair
 */
public record TrainingCompletion(
    TokenIds tokens,
    Numbers advantages,
    Numbers behaviourLogProbs,
    Numbers referenceLogProbs,
    Numbers logProbGradients,
    Numbers entropyGradients,
    boolean preferred,
    Numbers preferenceBaseline,
    Numbers servedLogProbs,
    Numbers lossMask,
    boolean fromReference) {

  /** A completion of which only the tokens matter. */
  public static TrainingCompletion ofTokens(TokenIds tokens) {
    Numbers none = Numbers.of();
    return new TrainingCompletion(
        tokens, none, none, none, none, none, false, none, none, none, false);
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
        preferred,
        preferenceBaseline,
        servedLogProbs,
        lossMask,
        fromReference);
  }

  /** How many tokens there are, T. */
  public int size() {
    return tokens.size();
  }

  /** Whether no token of it enters a loss. */
  boolean masked() {
    return lossMask.size() > 0 && lossMask.sum() == 0;
  }

  /** What an objective reads of it. */
  Sample sample(ObjectiveKind kind) {
    Sample sample =
        Sample.rollout(io.ballast.rl.sample.TokenIds.of(tokens.toArray())).with(role(kind));
    if (servedLogProbs.size() > 0
        && kind.facts().knobs().values().containsKey(Knob.IMPORTANCE_CAP)) {
      sample = sample.with(PerTokenName.SERVED_LOG_PROB, servedLogProbs.toArray());
    }
    if (lossMask.size() > 0) {
      sample = sample.with(PerTokenName.LOSS_MASK, lossMask.toArray());
    }
    if (preferenceBaseline.size() > 0) {
      sample = sample.with(PerSequenceName.PREFERENCE_BASELINE, preferenceBaseline.get(0));
    }
    if (behaviourLogProbs.size() > 0) {
      sample = sample.with(PerTokenName.BEHAVIOUR_LOG_PROB, behaviourLogProbs.toArray());
    }
    if (referenceLogProbs.size() > 0) {
      sample = sample.with(PerTokenName.REFERENCE_LOG_PROB, referenceLogProbs.toArray());
    }
    if (advantages.size() == 1) {
      return sample.withAll(PerTokenName.ADVANTAGE, advantages.get(0));
    }
    return advantages.size() > 1
        ? sample.with(PerTokenName.ADVANTAGE, advantages.toArray())
        : sample;
  }

  private SampleRole role(ObjectiveKind kind) {
    if (fromReference) {
      return SampleRole.CALIBRATION;
    }
    if (!kind.preference()) {
      return kind == ObjectiveKind.CROSS_ENTROPY ? SampleRole.DEMONSTRATION : SampleRole.ROLLOUT;
    }
    boolean rated = kind.facts().needs().contains(Need.RATINGS);
    SampleRole good = rated ? SampleRole.DESIRABLE : SampleRole.CHOSEN;
    SampleRole bad = rated ? SampleRole.UNDESIRABLE : SampleRole.REJECTED;
    return preferred ? good : bad;
  }

  /**
   * Checks the lengths, and the range of the mask; a failure is MALFORMED_REQUEST and names {@code
   * path}.
   */
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
    requireLength(servedLogProbs, path + ".served_log_probs");
    requireLength(lossMask, path + ".loss_mask");
    for (int t = 0; t < lossMask.size(); t++) {
      if (!(lossMask.get(t) >= 0 && lossMask.get(t) <= 1)) {
        throw Faults.malformed(
            "%s.loss_mask[%d]".formatted(path, t), lossMask.get(t) + " (expected: 0 to 1)");
      }
    }
  }

  private void requireLength(Numbers numbers, String field) {
    if (numbers.size() != 0 && numbers.size() != size()) {
      throw Faults.malformed(field, "%d numbers for %d tokens".formatted(numbers.size(), size()));
    }
  }
}
