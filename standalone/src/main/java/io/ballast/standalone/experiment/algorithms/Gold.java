package io.ballast.standalone.experiment.algorithms;

import java.util.List;

/**
 * What the simulated programmer keeps of what some weights suggest.
 *
 * @param kept shape [N]: characters kept a suggestion, a mean over draws at each held-out position,
 *     in the order of the positions
 */
record Gold(List<Double> kept) {
  /** Where nothing was measured. */
  static final Gold NONE = new Gold(List.of());

  /** Copies the list. */
  Gold {
    kept = List.copyOf(kept);
  }

  /** The mean over positions, N ≥ 1. */
  double mean() {
    return kept.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
