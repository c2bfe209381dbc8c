package io.ballast.workshop.progress;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * A bar with rate and time left. Rewrites one line on a terminal; adds a line now and then to a
 * log. One thread at a time.
 */
public final class ProgressBar {
  private static final int BAR = 24;
  private static final long LOG_EVERY_NANOS = 10_000_000_000L;

  private final PrintWriter out;
  private final LongSupplier nanos;
  private final String unit;
  private final long total;
  private final long start;
  private final boolean terminal = System.console() != null && System.console().isTerminal();
  private long shown;

  /**
   * A bar that has not begun.
   *
   * @param unit what is counted, in the plural
   * @param total how many there are, ≥ 1
   */
  public ProgressBar(PrintWriter out, LongSupplier nanos, String unit, long total) {
    this.out = out;
    this.nanos = nanos;
    this.unit = unit;
    this.total = total;
    this.start = nanos.getAsLong();
    this.shown = start;
  }

  /**
   * Notes that {@code done} are done.
   *
   * @param note what else is worth saying; may be empty
   */
  public void at(long done, String note) {
    long now = nanos.getAsLong();
    if (terminal || now - shown >= LOG_EVERY_NANOS || done == total) {
      shown = now;
      out.print(line(done, (now - start) / 1e9, note));
      out.flush();
    }
  }

  private String line(long done, double seconds, String note) {
    double perSecond = done / Math.max(seconds, 1e-9);
    long left = Math.round((total - done) / Math.max(perSecond, 1e-9));
    int filled = (int) (BAR * done / total);
    return String.format(
        Locale.ROOT,
        "%s[%s%s] %3d %% · %,d of %,d %s · %,.1f/s%s · %d:%02d left%s",
        terminal ? "\r" : "",
        "█".repeat(filled),
        "·".repeat(BAR - filled),
        100 * done / total,
        done,
        total,
        unit,
        perSecond,
        note.isEmpty() ? "" : " · " + note,
        left / 60,
        left % 60,
        terminal && done < total ? "" : "\n");
  }
}
