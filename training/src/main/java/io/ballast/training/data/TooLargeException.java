package io.ballast.training.data;

import java.io.IOException;
import java.util.Locale;

/** There is more in a file than its reader takes. */
public final class TooLargeException extends IOException {
  private static final long serialVersionUID = 1L;

  TooLargeException(long row, int mostJudgements, long mostCharacters) {
    super(
        String.format(
            Locale.ROOT,
            "row %,d: more than %,d judgements or %,d characters, the limit",
            row,
            mostJudgements,
            mostCharacters));
  }
}
