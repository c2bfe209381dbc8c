package io.ballast.safety.core.safetytest;

import java.util.ArrayList;
import java.util.List;

/** Checks with what each found; the first that does not hold is the reason of a refusal. */
public final class Findings {
  /** Far below what matters, far above what another computer's logarithm may differ by. */
  private static final double RELATIVE_TOLERANCE = 1e-12;

  private final List<String> lines = new ArrayList<>();
  private String reason = "";

  /** Each check with what it found. */
  public List<String> lines() {
    return List.copyOf(lines);
  }

  /** The first check that does not hold; empty if all hold. */
  public String reason() {
    return reason;
  }

  /** Whether every check holds. */
  public boolean hold() {
    return reason.isEmpty();
  }

  /** Notes a check. */
  public void that(String what, boolean holds, String found, String flaw) {
    String line = what + ": " + (holds ? found : flaw);
    lines.add(line);
    if (!holds && reason.isEmpty()) {
      reason = line;
    }
  }

  /** Notes whether two texts are the same. */
  public void same(String what, String said, String expected) {
    that(
        what,
        said.equals(expected),
        "matches",
        "it says %s (expected: %s)".formatted(said.isEmpty() ? "none" : said, expected));
  }

  void close(String what, double said, double computed) {
    boolean holds = Math.abs(said - computed) <= RELATIVE_TOLERANCE * (1 + Math.abs(computed));
    that(what, holds, "matches", "it says %s, the costs yield %s".formatted(said, computed));
  }
}
