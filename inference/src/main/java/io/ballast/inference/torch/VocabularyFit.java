package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.Tokenizer;
import java.util.List;

/**
 * Whether a tokenizer can be a model's: the model has a row for each of its ids, and no more rows
 * besides than models are padded with.
 *
 * <p>Rows without an id are usual: makers round the vocabulary up to a multiple of 64, 128 or 256,
 * or leave some hundreds free (Qwen2.5 has 151,936 or 152,064 rows for 151,665 ids, Phi-2 51,200
 * for 50,295). Without a bound, the tokenizer of a smaller model would pass for padding, and the
 * model would be fed ids that mean something else to it. Two tokenizers of about the same size are
 * told apart only by what ends a text: to the wrong one it often is a word.
 */
public final class VocabularyFit {
  /** So many rows may be without an id in a model of any size. */
  static final int FREE_ROWS = 1_024;

  /** And one in so many in a large one. */
  static final int FREE_PART = 20;

  private VocabularyFit() {}

  /** The most rows without an id of a model that has {@code rows}. */
  static int mostFree(int rows) {
    return Math.max(FREE_ROWS, rows / FREE_PART);
  }

  /**
   * Refuses a tokenizer that cannot be the model's.
   *
   * @param subject names the tokenizer in the message
   * @throws ModelException INVALID_FOLDER with both numbers
   */
  public static void require(String subject, Tokenizer tokenizer, DecoderConfig config) {
    int ids = tokenizer.vocabularySize();
    int rows = config.vocabularySize();
    if (ids > rows) {
      throw refused(subject, ids, "at most vocab_size " + rows);
    }
    if (rows - ids > mostFree(rows)) {
      throw refused(
          subject,
          ids,
          "vocab_size %d, less at most %d that are padding; is it another model's?"
              .formatted(rows, mostFree(rows)));
    }
  }

  /**
   * Refuses a tokenizer to which the tokens that end a text are something else.
   *
   * @param endOfTextIds by the model, the usual one first
   * @throws IllegalArgumentException if one is none of its ids, or the usual one is an ordinary
   *     piece of text
   */
  static void requireEnds(TokenizerJson tokenizer, List<Integer> endOfTextIds) {
    int size = tokenizer.bytes().length;
    for (int id : endOfTextIds) {
      if (id < 0 || id >= size) {
        throw new IllegalArgumentException(
            "end of text: id %d (expected: < %d)".formatted(id, size));
      }
    }
    int usual = endOfTextIds.getFirst();
    if (!tokenizer.added(usual)) {
      throw new IllegalArgumentException(
          "end of text: id %d is a piece of ordinary text (expected: one of added_tokens; is it"
                  .formatted(usual)
              + " another model's?)");
    }
  }

  private static ModelException refused(String subject, int ids, String expected) {
    return new ModelException(
        Reason.INVALID_FOLDER, "%s: %d ids (expected: %s)".formatted(subject, ids, expected));
  }
}
