package io.ballast.standalone.cli;

import java.util.Locale;

/**
 * Shows how far something has come: on a terminal a bar in one line that is rewritten, elsewhere a
 * line a quarter.
 */
final class ProgressLine {
  private static final int WIDTH = 30;

  private final Printing printing;
  private final boolean terminal;
  private String shown = "";
  private boolean open;

  ProgressLine(Printing printing, boolean terminal) {
    this.printing = printing;
    this.terminal = terminal && !printing.json();
  }

  /** Shows that {@code part} (0 to 1) of {@code what} is done. */
  void at(String what, double part) {
    int percent = (int) Math.floor(Math.clamp(part, 0.0, 1.0) * 100);
    if (terminal) {
      int full = percent * WIDTH / 100;
      String bar = "=".repeat(full) + " ".repeat(WIDTH - full);
      String line = String.format(Locale.ROOT, "%-24s [%s] %3d %%", what, bar, percent);
      if (!line.equals(shown)) {
        printing.out().print("\r" + line);
        printing.out().flush();
        shown = line;
        open = true;
      }
      if (percent == 100) {
        end();
      }
    } else {
      String line = what + ": " + percent / 25 * 25 + " %";
      if (percent >= 25 && !line.equals(shown)) {
        printing.line(line);
        shown = line;
      }
    }
  }

  /** Ends the line that is under way. */
  void end() {
    if (open) {
      printing.out().println();
      printing.out().flush();
      open = false;
    }
  }
}
