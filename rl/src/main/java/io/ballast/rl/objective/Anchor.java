package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * The policy against which a preference loss measures log-probabilities: a geometric mixture of
 * named policies, or none.
 *
 * <pre>log π_anchor = Σₖ wₖ·log πₖ</pre>
 *
 * <p>DPO and IPO have the reference with weight 1. INPO (Zhang et al. 2024, arXiv:2407.00617) has
 * τ/η of the reference and 1 − τ/η of the iteration's policy. Reference-free losses have none.
 *
 * @param weights for each named log-probability its weight, finite
 */
public record Anchor(Map<PerTokenName, Double> weights) {
  /** Copies the map. */
  public Anchor {
    EnumMap<PerTokenName, Double> copy = new EnumMap<>(PerTokenName.class);
    weights.forEach((name, weight) -> copy.put(name, Require.finite(weight, name.name())));
    weights = Collections.unmodifiableMap(copy);
  }

  /** The frozen reference. */
  public static Anchor reference() {
    return new Anchor(Map.of(PerTokenName.REFERENCE_LOG_PROB, 1.0));
  }

  /** No anchor: the log-probability itself counts. */
  public static Anchor none() {
    return new Anchor(Map.of());
  }

  /**
   * INPO's mixture of the reference and the iteration's policy.
   *
   * @param tau τ &gt; 0, the weight of the game's regularisation
   * @param eta η ≥ τ, the inverse step size; it is also β of {@link PairLoss#SQUARED}
   */
  public static Anchor iterativeNash(double tau, double eta) {
    Require.positive(tau, "tau");
    Require.inRange(eta, tau, Double.MAX_VALUE, "eta");
    return new Anchor(
        Map.of(
            PerTokenName.REFERENCE_LOG_PROB,
            tau / eta,
            PerTokenName.ITERATION_LOG_PROB,
            1 - tau / eta));
  }

  /** The names that a sample must carry. */
  public Set<PerTokenName> requires() {
    return weights.keySet();
  }

  /** Returns Σ mask·(log π − log π_anchor) over the tokens of {@code sample}, nats. */
  double logRatio(Sample sample) {
    return logRatio(sample, SequenceMeasure.SUM);
  }

  /** Returns the {@code measure} of {@code sample} under π less that under the anchor, nats. */
  double logRatio(Sample sample, SequenceMeasure measure) {
    double ratio = measure.of(sample, PerTokenName.CURRENT_LOG_PROB);
    for (var entry : weights.entrySet()) {
      ratio -= entry.getValue() * measure.of(sample, entry.getKey());
    }
    return ratio;
  }
}
