package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.ItemFault;

/**
 * How a model reads prompt and completion as one whole, such as a conversation, so that the tokens
 * of one depend on the other. It reads either texts or tokens. Thread-safe.
 */
public interface WholeReading {
  /** What came of reading an item. */
  sealed interface RowOutcome {
    /** What goes into the queue. */
    record Row(ScoringRow row) implements RowOutcome {}

    /** Why the item cannot be scored; the message does not say which item. */
    record Refused(ItemFault fault) implements RowOutcome {}
  }

  /** Whether it reads tokens, and no texts. */
  boolean readsTokens();

  /** Ids of tokens are below this. */
  int vocabularySize();

  /** Reads texts, whole Unicode. Only if it reads texts. */
  RowOutcome read(String prompt, String completion);

  /** Reads tokens, each in the vocabulary. Only if it reads tokens. */
  RowOutcome read(TokenIds prompt, TokenIds completion);
}
