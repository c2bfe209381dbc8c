package io.ballast.standalone.demo.measure;

import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;

/**
 * One suggestion and what the true file says of it.
 *
 * @param text what the model wrote; may be empty
 * @param shown whether a gate in force shows it: it lets both stages pass, and there is text
 * @param judgement what a programmer without error does with the text, shown or not
 * @param breaks whether the file no longer parses with the text in place
 */
public record Judged(String text, boolean shown, Judgement judgement, boolean breaks) {
  /** Whether the text is exactly the rest of the line, shown or not. */
  boolean right() {
    return judgement.outcome() == Outcome.ACCEPTED;
  }
}
