package io.ballast.inference.brought;

import java.util.List;

/**
 * Answers of the reference policy, of whose scores each member's scale is made.
 *
 * @param answers none: the manifest's scales stay
 * @param skipUnscored whether an answer that some member cannot score is left out and counted;
 *     otherwise it ends the adoption
 */
public record ReferenceAnswers(List<Answer> answers, boolean skipUnscored) {
  /** Copies the list. */
  public ReferenceAnswers {
    answers = List.copyOf(answers);
  }

  /**
   * One answer with its prompt.
   *
   * @param at where it stands, for messages, such as {@code answers.jsonl: line 4}
   */
  public record Answer(String at, BroughtItem item) {}

  /** No answers. */
  public static ReferenceAnswers none() {
    return new ReferenceAnswers(List.of(), false);
  }
}
