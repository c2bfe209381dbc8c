package io.ballast.safety.core.cost;

import io.ballast.kit.call.ItemFault;
import java.util.List;

/** What the heads said of one completion, or why they said nothing. */
public sealed interface HeadScores {
  /**
   * The heads' words, as the model gave them; whether they are finite is checked by whoever reads
   * them.
   *
   * @param scores shape [K], log-odds of harm
   */
  record Scored(List<Double> scores) implements HeadScores {
    public Scored {
      scores = List.copyOf(scores);
    }
  }

  /** The completion could not be judged. */
  record Refused(ItemFault fault) implements HeadScores {}
}
