package io.ballast.inference.brought;

import io.ballast.inference.brought.AskedItems.LeftOut;
import java.util.List;

/**
 * Answers of the reference policy, of whose scores each member's scale is made.
 *
 * @param answers none: the manifest's scales stay
 * @param unread what was to be an answer and could not be read
 * @param skipUnscored whether an answer that some member cannot score is left out and counted;
 *     otherwise it ends the adoption
 */
public record ReferenceAnswers(List<Answer> answers, List<LeftOut> unread, boolean skipUnscored) {
  /** Copies the lists. */
  public ReferenceAnswers {
    answers = List.copyOf(answers);
    unread = List.copyOf(unread);
  }

  /** Answers that could all be read. */
  public ReferenceAnswers(List<Answer> answers, boolean skipUnscored) {
    this(answers, List.of(), skipUnscored);
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
