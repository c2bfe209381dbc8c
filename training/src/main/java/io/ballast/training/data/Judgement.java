package io.ballast.training.data;

/** What a person thought of one completion, or of two. */
public sealed interface Judgement {
  /** What was asked. */
  PromptText prompt();

  /** How much it counts beside others, above 0; 1 unless its file says otherwise. */
  double weight();

  /** Where it comes from. */
  Source source();

  /**
   * One completion is better than another of the same prompt.
   *
   * @param chosen the better one, not empty
   * @param rejected the other, not empty, another text
   * @param margin by how much, in the unit of the scores, ≥ 0; 0: by any amount
   */
  record Pair(
      PromptText prompt,
      String chosen,
      String rejected,
      double margin,
      double weight,
      Source source)
      implements Judgement {}

  /**
   * How good one completion is by itself.
   *
   * @param completion not empty
   * @param grade 0 (the worst) to 1 (the best); of a yes or no, 0 or 1
   */
  record Grade(PromptText prompt, String completion, double grade, double weight, Source source)
      implements Judgement {}
}
