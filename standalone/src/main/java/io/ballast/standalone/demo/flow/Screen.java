package io.ballast.standalone.demo.flow;

import java.io.PrintWriter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What the person at the terminal sees: steps with the time since the start, lines, and progress
 * that rewrites its line on a terminal and is printed at each quarter elsewhere. Safe for use by
 * many threads.
 */
public final class Screen {
  private static final String CLEAR = "\r\u001b[K";

  private final PrintWriter out;
  private final boolean live;
  private final LongSupplier nanoTime;
  private final long start;
  private final Map<String, Integer> quarters = new HashMap<>();
  private boolean open;

  /**
   * @param live whether {@code out} is a terminal that can rewrite its last line
   * @param nanoTime a monotonic clock
   */
  public Screen(PrintWriter out, boolean live, LongSupplier nanoTime) {
    this.out = out;
    this.live = live;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  /** Begins a step. */
  public synchronized void step(String title) {
    endProgress();
    out.printf(Locale.ROOT, "%n[%4.0f s] %s%n", seconds(), title);
    out.flush();
    quarters.clear();
  }

  /** Prints lines. */
  public synchronized void say(String lines) {
    endProgress();
    out.println(lines);
    out.flush();
  }

  /** Shows how far {@code what} is. */
  public synchronized void progress(String what, int done, int total) {
    int quarter = total == 0 ? 4 : (int) (4L * done / total);
    if (live) {
      out.printf(Locale.ROOT, "%s         %s: %,d of %,d", CLEAR, what, done, total);
      open = true;
    } else if (quarter > quarters.getOrDefault(what, 0)) {
      out.printf(Locale.ROOT, "[%4.0f s]   %s: %,d of %,d%n", seconds(), what, done, total);
    }
    quarters.put(what, quarter);
    out.flush();
  }

  /** Seconds since the start. */
  public double seconds() {
    return (nanoTime.getAsLong() - start) / 1e9;
  }

  private void endProgress() {
    if (open) {
      out.print(CLEAR);
      open = false;
    }
  }
}
