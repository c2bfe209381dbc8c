package io.ballast.safety.core.cost;

import io.ballast.kit.call.CallPatience;

/** Whoever judges what completions cost. */
@FunctionalInterface
public interface CostScorer {
  /** Judges items; see {@link CostFlow#judge}. */
  CostAnswer judge(CostCommand command, CallPatience patience);
}
