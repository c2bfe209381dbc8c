package io.ballast.rl.preference;

/**
 * A loss of two scores with its gradient.
 *
 * @param loss the loss, finite
 * @param first its derivative by the first score
 * @param second its derivative by the second score
 */
public record PairGradient(double loss, double first, double second) {}
