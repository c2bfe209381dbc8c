package io.ballast.workshop.pretrain;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Says how far a training is: a bar, tokens a second, loss and time left. Rewrites one line on a
 * terminal; adds a line now and then to a log.
 */
final class ProgressLine {
  private static final int BAR = 24;
  private static final double SMOOTHING = 0.98;
  private static final long LOG_EVERY_NANOS = 15_000_000_000L;

  private final PrintWriter out;
  private final LongSupplier nanos;
  private final long firstStep;
  private final long steps;
  private final int tokensPerStep;
  private final long start;
  private final boolean terminal = System.console() != null && System.console().isTerminal();
  private long shown;
  private double smoothed = Double.NaN;
  private String heldOut = "";

  ProgressLine(PrintWriter out, LongSupplier nanos, long firstStep, long steps, int tokensPerStep) {
    this.out = out;
    this.nanos = nanos;
    this.firstStep = firstStep;
    this.steps = steps;
    this.tokensPerStep = tokensPerStep;
    this.start = nanos.getAsLong();
    this.shown = start - LOG_EVERY_NANOS;
  }

  /** Notes that {@code done} steps are done, the last with {@code loss} nats a token. */
  void stepped(long done, double loss) {
    smoothed = Double.isNaN(smoothed) ? loss : SMOOTHING * smoothed + (1 - SMOOTHING) * loss;
    long now = nanos.getAsLong();
    if (terminal || now - shown >= LOG_EVERY_NANOS || done == steps) {
      shown = now;
      show(done, (now - start) / 1e9);
    }
  }

  /** Notes a measurement on held-out sources. */
  void heldOut(double nats, double bitsPerByte) {
    heldOut =
        String.format(Locale.ROOT, " · held out %.3f nats, %.3f bits/byte", nats, bitsPerByte);
  }

  private void show(long done, double seconds) {
    double perSecond = (done - firstStep) * tokensPerStep / Math.max(seconds, 1e-9);
    long left = Math.round((steps - done) * tokensPerStep / Math.max(perSecond, 1e-9));
    int filled = (int) (BAR * done / steps);
    out.print(
        String.format(
            Locale.ROOT,
            "%s[%s%s] %3d %% · step %,d of %,d · %,.0f tokens/s · loss %.3f%s · %d:%02d:%02d left%s",
            terminal ? "\r" : "",
            "█".repeat(filled),
            "·".repeat(BAR - filled),
            100 * done / steps,
            done,
            steps,
            perSecond,
            smoothed,
            heldOut,
            left / 3600,
            left / 60 % 60,
            left % 60,
            terminal ? "" : "\n"));
    out.flush();
  }
}
