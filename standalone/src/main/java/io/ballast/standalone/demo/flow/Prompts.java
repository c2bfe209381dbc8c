package io.ballast.standalone.demo.flow;

import io.ballast.inference.api.Tokenizer;
import io.ballast.standalone.demo.mesh.Content;
import io.ballast.standalone.demo.mesh.TokenLimits;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.Position;

/**
 * What of a file's text goes over the wire. The policy cuts what it does not use; the judges get
 * the text that the policy saw, for they were trained on prompts of that length.
 */
public final class Prompts {
  /** More than any prompt's tokens cover, without the cost of a whole file. */
  private static final int TAIL_CHARACTERS = 2_000;

  /** Enough for the prompt tokens of a run or a test; a token is about three characters. */
  private static final int LEARNING_CHARACTERS = 600;

  private final Tokenizer tokenizer;

  public Prompts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Cursors stand between two tokens of the serving tokenizer. */
  public Cursor cursor() {
    return Cursor.tokenBoundaries(tokenizer);
  }

  /** The prompt of a suggestion. */
  String toSuggest(Position position) {
    return position.promptTail(TAIL_CHARACTERS);
  }

  /** The prompt of a run or a safety test. */
  String toLearn(Position position) {
    return position.promptTail(LEARNING_CHARACTERS);
  }

  /** The prompt as the policy sees it. */
  Content toJudge(Position position) {
    String tail =
        tokenizer.decode(tokenizer.encode(toSuggest(position)).last(TokenLimits.SERVING.prompt()));
    int firstWhole = 0;
    while (firstWhole < tail.length() && tail.charAt(firstWhole) == '\uFFFD') {
      firstWhole++;
    }
    return new Content.Text(tail.substring(firstWhole));
  }
}
