package io.ballast.orchestrator.core.data;

import io.ballast.kit.call.Texts;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A source of prompts as it was when the run was created.
 *
 * @param name the file's path, {@code inline} or {@code feedback}
 * @param count how many prompts it gave, ≥ 0
 * @param badCount how many of its rows were left out, ≥ 0
 * @param bad the first of those
 */
public record ReadSource(String name, int count, long badCount, List<BadRow> bad) {
  /** How many bad rows of a source are kept by number and reason. */
  public static final int KEPT_BAD_ROWS = 20;

  private static final int SHOWN_BAD_ROWS = 5;

  /** Copies the list. */
  public ReadSource {
    bad = List.copyOf(bad);
  }

  /** A source whose rows are all good. */
  public static ReadSource of(String name, int count) {
    return new ReadSource(name, count, 0, List.of());
  }

  /** How many rows were left out and why the first of them, for a person. */
  public String badRows() {
    return "%s, %s%s"
        .formatted(
            Texts.counted(badCount, "bad row"),
            bad.stream()
                .limit(SHOWN_BAD_ROWS)
                .map(BadRow::toString)
                .collect(Collectors.joining("; ")),
            badCount > SHOWN_BAD_ROWS ? "; …" : "");
  }
}
