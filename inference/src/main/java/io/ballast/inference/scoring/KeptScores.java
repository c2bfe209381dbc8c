package io.ballast.inference.scoring;

import java.util.List;

/**
 * What a model's members said of some completions when its version was published, in the form in
 * which a caller sends them.
 *
 * @param tolerance how far a raw score may be off, &gt; 0
 * @param items at least one
 */
public record KeptScores(double tolerance, List<Item> items) {
  /** Copies the list. */
  public KeptScores {
    items = List.copyOf(items);
  }

  /**
   * One completion with its prompt.
   *
   * @param scores shape [K], raw, finite, in the members' order
   */
  public record Item(Content prompt, Content completion, List<Double> scores) {
    /** Copies the list. */
    public Item {
      scores = List.copyOf(scores);
    }
  }
}
