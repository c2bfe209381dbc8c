package io.ballast.loadtest.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * How far a benchmark is. Rewrites one line on a terminal; adds a line a part to a log. Used by one
 * thread.
 */
final class BenchProgress {
  private static final int BAR = 24;

  /**
   * A part of the benchmark.
   *
   * @param name for people
   * @param steps that are told of, ≥ 1
   * @param secondsPerStep about what one takes, &gt; 0; how far it is and what is left rest on it
   */
  record Part(String name, int steps, double secondsPerStep) {
    private double seconds() {
      return steps * secondsPerStep;
    }
  }

  private final PrintWriter out;
  private final boolean terminal;
  private final LongSupplier nanoTime;
  private final double expected;
  private final long start;
  private double before;

  /**
   * Starts the clock.
   *
   * @param terminal whether {@code out} can rewrite a line
   * @param parts all that will be begun
   */
  BenchProgress(PrintWriter out, boolean terminal, LongSupplier nanoTime, List<Part> parts) {
    this.out = out;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
    this.expected = parts.stream().mapToDouble(Part::seconds).sum();
    this.start = nanoTime.getAsLong();
  }

  /** Begins a part, whatever became of the one before; returns what is to be told of each step. */
  Runnable begin(Part part) {
    double from = before;
    before += part.seconds();
    int[] done = new int[1];
    show(part, 0, from);
    return () -> {
      done[0]++;
      show(part, done[0], from);
    };
  }

  private void show(Part part, int done, double from) {
    if (!terminal && done < part.steps()) {
      return;
    }
    double share = (from + done * part.secondsPerStep()) / expected;
    double elapsed = (nanoTime.getAsLong() - start) / 1e9;
    int filled = (int) (BAR * Math.min(1, share));
    out.printf(
        Locale.ROOT,
        "%s[%s%s] %3.0f %% · %s %d of %d · %s gone, about %s left%s",
        terminal ? "\r" : "",
        "█".repeat(filled),
        "·".repeat(BAR - filled),
        100 * Math.min(1, share),
        part.name(),
        done,
        part.steps(),
        minutes(elapsed),
        minutes(left(share, elapsed)),
        terminal && share < 1 ? "    " : "\n");
    out.flush();
  }

  /** At first what steps usually take, then more and more what they took here. */
  private double left(double share, double elapsed) {
    double usual = expected * (1 - share);
    double asUntilNow = share == 0 ? usual : elapsed * (1 - share) / share;
    return Math.max(0, (1 - share) * usual + share * asUntilNow);
  }

  private static String minutes(double seconds) {
    long whole = Math.round(seconds);
    return "%d:%02d".formatted(whole / 60, whole % 60);
  }
}
