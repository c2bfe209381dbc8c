package io.ballast.standalone.experiment;

import io.ballast.workshop.progress.ProgressBar;
import java.io.PrintWriter;
import java.util.function.LongSupplier;

/** Says how far an experiment is: its steps, and within each a bar with the time left. */
public final class ExperimentProgress {
  private final PrintWriter out;
  private final LongSupplier nanos;

  /**
   * Prints to {@code out}.
   *
   * @param nanos a monotonic clock
   */
  public ExperimentProgress(PrintWriter out, LongSupplier nanos) {
    this.out = out;
    this.nanos = nanos;
  }

  /** A step under way. Safe for use by many threads. */
  public final class Step {
    private final ProgressBar bar;
    private final long total;
    private long done;

    private Step(String unit, long total) {
      this.bar = new ProgressBar(out, nanos, unit, Math.max(1, total));
      this.total = total;
    }

    /** Notes that {@code more} of the whole are done. */
    public void done(long more) {
      synchronized (out) {
        done = Math.min(total, done + more);
        bar.at(done, "");
      }
    }
  }

  /**
   * Begins a step.
   *
   * @param what it does
   * @param unit what is counted, in the plural
   * @param total how many there are
   */
  public Step step(String what, String unit, long total) {
    say(what);
    return new Step(unit, total);
  }

  /** Prints a line. */
  public void say(String line) {
    synchronized (out) {
      out.println(line);
      out.flush();
    }
  }
}
