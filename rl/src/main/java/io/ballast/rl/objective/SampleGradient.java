package io.ballast.rl.objective;

import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * The gradient of a loss with respect to the numbers of one completion's tokens.
 *
 * @param size how many tokens the completion has, T
 * @param byName for each number that the loss depends on, shape [T]; absent names have gradient 0
 */
public record SampleGradient(int size, Map<PerTokenName, Numbers> byName) {
  /** Copies the map. */
  public SampleGradient {
    EnumMap<PerTokenName, Numbers> copy = new EnumMap<>(PerTokenName.class);
    copy.putAll(byName);
    byName = Collections.unmodifiableMap(copy);
  }

  /** The gradient with respect to {@code name}, shape [T]; zeros if the loss ignores it. */
  public Numbers of(PerTokenName name) {
    Numbers found = byName.get(name);
    return found == null ? Numbers.repeated(0, size) : found;
  }

  /** The gradient with respect to the current log-probabilities, shape [T]. */
  public Numbers logProbs() {
    return of(PerTokenName.CURRENT_LOG_PROB);
  }
}
