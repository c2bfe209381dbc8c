package io.ballast.training.data;

import java.util.Optional;

/** What a person thought of one completion, or of two. */
public sealed interface Judgement {
  /** What was asked. */
  PromptText prompt();

  /** How much it counts beside others, above 0; 1 unless its file says otherwise. */
  double weight();

  /** Where it comes from. */
  Source source();

  /**
   * One completion has more of something than another of the same prompt: it is better or, where
   * costs are learned, more harmful.
   *
   * @param chosen the one that has more of it, not empty
   * @param rejected the other, not empty, another text
   * @param margin by how much, in the unit of the scores, ≥ 0; 0: by any amount
   * @param safety whether each of the two is unsafe by itself; empty: it is not said
   */
  record Pair(
      PromptText prompt,
      String chosen,
      String rejected,
      double margin,
      double weight,
      Source source,
      Optional<SafetyLabels> safety)
      implements Judgement {
    /** Of which nothing is said of safety. */
    public Pair(
        PromptText prompt,
        String chosen,
        String rejected,
        double margin,
        double weight,
        Source source) {
      this(prompt, chosen, rejected, margin, weight, source, Optional.empty());
    }
  }

  /**
   * Whether each completion of a pair is unsafe by itself.
   *
   * @param chosenUnsafe of the one that is more harmful
   * @param rejectedUnsafe of the other; only if the first is
   */
  record SafetyLabels(boolean chosenUnsafe, boolean rejectedUnsafe) {
    /** Refuses a safe completion that is more harmful than an unsafe one. */
    public SafetyLabels {
      if (rejectedUnsafe && !chosenUnsafe) {
        throw new IllegalArgumentException(
            "the more harmful one is safe and the other unsafe (expected: labels in that order)");
      }
    }
  }

  /**
   * How good one completion is by itself.
   *
   * @param completion not empty
   * @param grade 0 (the worst) to 1 (the best); of a yes or no, 0 or 1; of costs 1 is unsafe
   */
  record Grade(PromptText prompt, String completion, double grade, double weight, Source source)
      implements Judgement {}
}
