package io.ballast.training.reward;

import io.ballast.kit.call.Texts;
import io.ballast.training.data.BadRow;
import java.util.List;
import java.util.stream.Collectors;

/** Judgements that nothing can be trained from; the message says why. */
public final class UnusableDataException extends Exception {
  private static final long serialVersionUID = 1;
  private static final int SHOWN = 5;

  /**
   * @param message what is wrong with them and what was expected, one line
   */
  public UnusableDataException(String message) {
    super(message);
  }

  /**
   * @param message what is wrong with them and what was expected, one line
   */
  public UnusableDataException(String message, Throwable cause) {
    super(message, cause);
  }

  static UnusableDataException of(List<BadRow> rows) {
    return new UnusableDataException(
        "%s cannot be used: %s%s"
            .formatted(
                Texts.counted(rows.size(), "row"),
                rows.stream().limit(SHOWN).map(BadRow::toString).collect(Collectors.joining("; ")),
                rows.size() > SHOWN ? "; …" : ""));
  }
}
