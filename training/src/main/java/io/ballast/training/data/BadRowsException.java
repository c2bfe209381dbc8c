package io.ballast.training.data;

import io.ballast.kit.call.Texts;
import java.util.List;
import java.util.stream.Collectors;

/** A file has rows that say nothing, and its reader did not allow any. */
public final class BadRowsException extends Exception {
  private static final long serialVersionUID = 1;
  private static final int SHOWN = 5;

  private final transient List<BadRow> shown;
  private final long count;

  BadRowsException(String file, List<BadRow> shown, long count) {
    super(
        "%s: %s: %s%s"
            .formatted(
                file,
                Texts.counted(count, "bad row"),
                shown.stream().limit(SHOWN).map(BadRow::toString).collect(Collectors.joining("; ")),
                count > SHOWN ? "; …" : ""));
    this.shown = List.copyOf(shown);
    this.count = count;
  }

  /** The first of them, in the order of the file. */
  public List<BadRow> shown() {
    return shown;
  }

  /** How many there are. */
  public long count() {
    return count;
  }
}
