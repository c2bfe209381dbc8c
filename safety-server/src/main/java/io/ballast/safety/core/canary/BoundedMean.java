package io.ballast.safety.core.canary;

import io.ballast.rl.bound.ConfidenceSequence;

/**
 * A mean with what bounds it at every time of looking.
 *
 * @param count how many, ≥ 0
 * @param mean of them; 0 of none
 * @param lower the true mean is more than this
 * @param upper the true mean is less than this; below {@code lower} if no mean fits
 */
public record BoundedMean(int count, double mean, double lower, double upper) {
  static BoundedMean of(ConfidenceSequence sequence) {
    int count = sequence.seen().count();
    return new BoundedMean(
        count, count == 0 ? 0 : sequence.seen().sum() / count, sequence.lower(), sequence.upper());
  }
}
