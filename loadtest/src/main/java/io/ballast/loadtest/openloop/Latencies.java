package io.ballast.loadtest.openloop;

import java.io.PrintStream;
import org.HdrHistogram.Histogram;

/** How long calls took, to three decimal digits. Immutable. */
public final class Latencies {
  private final Histogram histogram;

  /** Copies {@code histogram}, whose values are nanoseconds. */
  public Latencies(Histogram histogram) {
    this.histogram = histogram.copy();
  }

  /** How many calls were timed. */
  public long count() {
    return histogram.getTotalCount();
  }

  /**
   * The time within which {@code percent} of the calls ended, in nanoseconds; 0 if there were none.
   *
   * @param percent 0 to 100
   */
  public long nanosAt(double percent) {
    return count() == 0 ? 0 : histogram.getValueAtPercentile(percent);
  }

  /** The mean, in nanoseconds; 0 if there were none. */
  public double meanNanos() {
    return count() == 0 ? 0 : histogram.getMean();
  }

  /** Their standard deviation, in nanoseconds; 0 if there were none. */
  public double deviationNanos() {
    return count() == 0 ? 0 : histogram.getStdDeviation();
  }

  /** The longest, in nanoseconds; 0 if there were none. */
  public long maxNanos() {
    return count() == 0 ? 0 : histogram.getMaxValue();
  }

  /** Writes the distribution in the HGRM form that HdrHistogram's plotter reads, in ms. */
  public void writeHgrm(PrintStream out) {
    histogram.outputPercentileDistribution(out, 1e6);
  }
}
