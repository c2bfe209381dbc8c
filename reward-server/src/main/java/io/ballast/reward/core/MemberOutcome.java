package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import java.util.List;

/** What one member said of one completion. */
public sealed interface MemberOutcome {
  /**
   * Its score as the model gave it; whether it is finite is checked by whoever reads it.
   *
   * @param objectives shape [O]: what its head for each objective gave, of which the score is the
   *     sum; empty if the ensemble has none
   */
  record Raw(double score, List<Double> objectives) implements MemberOutcome {
    public Raw {
      objectives = List.copyOf(objectives);
    }

    /** A score that is no sum. */
    public Raw(double score) {
      this(score, List.of());
    }
  }

  /** Why it has none: an error, or it came too late. */
  record Missing(ItemFault fault) implements MemberOutcome {}
}
