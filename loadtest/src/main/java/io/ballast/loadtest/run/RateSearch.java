package io.ballast.loadtest.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Looks for the highest rate that holds: doubles until one does not, cuts the gap in half (on a
 * logarithmic scale) until it is small, and tries the result once more for longer; what does not
 * hold then is too high. After that it climbs on until more calls bring no more good answers, which
 * is saturation, and tries twice that rate.
 *
 * <p>One trial may hold or not by chance. A rate that is confirmed held in two trials, one of them
 * longer.
 */
public final class RateSearch {
  private static final double CLIMB = 1.5;

  /** A rise in good answers below this share is none. */
  private static final double PLATEAU = 0.05;

  private static final int MOST_TRIALS = 60;
  private static final String HIGHEST = "the highest rate that was to be tried";

  private final double from;
  private final double to;
  private final double precision;
  private final Loads loads;
  private final List<Trial> trials = new ArrayList<>();

  /** The lowest rate at which the generator did not keep up. */
  private double late = Double.POSITIVE_INFINITY;

  /** What makes a load of the mesh. */
  @FunctionalInterface
  public interface Loads {
    /**
     * Loads the mesh at a rate.
     *
     * @param longer for twice as long
     */
    Trial at(double rate, boolean longer) throws InterruptedException;
  }

  /**
   * What a load at one rate showed.
   *
   * @param rate calls a second
   * @param valid whether the generator kept up; if not, the rest says nothing
   * @param holds whether everything that the scenario asks for held
   * @param goodput good answers a second
   * @param p99Millis NaN if none was answered
   * @param sentShare of the calls that were meant, those that were sent: fewer than all, where
   *     {@code max_in_flight} were under way, so that the mesh met less than the rate
   * @param reasons why it does not hold
   */
  public record Trial(
      double rate,
      boolean valid,
      boolean holds,
      double goodput,
      double p99Millis,
      double sentShare,
      List<String> reasons) {
    /** Copies the list. */
    public Trial {
      reasons = List.copyOf(reasons);
    }

    /** One of which all calls were sent. */
    public Trial(
        double rate,
        boolean valid,
        boolean holds,
        double goodput,
        double p99Millis,
        List<String> reasons) {
      this(rate, valid, holds, goodput, p99Millis, 1, reasons);
    }
  }

  /**
   * What was found.
   *
   * @param trials in their order
   * @param highest the confirmed rate; empty: none was
   * @param bounded why nothing is known of higher rates; empty: they failed, or were tried
   * @param saturation the trial from which on more calls bring no more good answers; empty: it was
   *     not reached or not looked for
   * @param overload the trial at twice that rate
   */
  public record Found(
      List<Trial> trials,
      Optional<Trial> highest,
      Optional<String> bounded,
      Optional<Trial> saturation,
      Optional<Trial> overload) {
    /**
     * Good answers at twice the saturation, as a share of those at saturation; empty: not tried.
     */
    public Optional<Double> overloadShare() {
      return overload.flatMap(twice -> saturation.map(once -> twice.goodput() / once.goodput()));
    }
  }

  /**
   * @param from the rate to begin with, above 0
   * @param to the highest rate to try, overload too, at least {@code from}
   * @param precision how close the highest rate is found, a share above 0
   */
  public RateSearch(double from, double to, double precision, Loads loads) {
    this.from = from;
    this.to = to;
    this.precision = precision;
    this.loads = loads;
  }

  /**
   * Searches.
   *
   * @param saturate whether saturation and overload are looked for, too
   */
  public Found find(boolean saturate) throws InterruptedException {
    double low = 0;
    double high = Double.POSITIVE_INFINITY;
    double rate = from;
    while (Double.isInfinite(high) && Double.isInfinite(late) && low < to) {
      Trial trial = trial(rate, false);
      if (trial.holds()) {
        low = rate;
        rate = Math.min(to, rate * 2);
      } else if (trial.valid()) {
        high = rate;
      }
    }
    Optional<Trial> highest = Optional.empty();
    while (highest.isEmpty() && low > 0 && trials.size() < MOST_TRIALS) {
      while (!Double.isInfinite(high)
          && high / low > 1 + precision
          && trials.size() < MOST_TRIALS) {
        double middle = Math.sqrt(low * high);
        if (trial(middle, false).holds()) {
          low = middle;
        } else {
          high = middle;
        }
      }
      Trial again = trial(low, true);
      if (again.holds()) {
        highest = Optional.of(again);
      } else {
        high = low;
        low = below(high);
      }
    }
    Optional<String> bounded = bounded(high);
    return saturate
        ? saturated(highest, bounded)
        : new Found(trials, highest, bounded, Optional.empty(), Optional.empty());
  }

  /**
   * Why nothing is known of rates that did not hold, or were not tried.
   *
   * @param high the lowest of them
   */
  private Optional<String> bounded(double high) {
    if (!Double.isInfinite(late) && late <= high) {
      return Optional.of(tooLate());
    }
    return Double.isInfinite(high) ? Optional.of(HIGHEST) : Optional.empty();
  }

  private String tooLate() {
    return String.format(Locale.ROOT, "the generator did not keep up at %.1f calls/s", late);
  }

  /** The highest rate below another that held and was not found too high afterwards; 0: none. */
  private double below(double rate) {
    return trials.stream()
        .filter(trial -> trial.holds() && trial.rate() < rate)
        .mapToDouble(Trial::rate)
        .max()
        .orElse(0);
  }

  private Found saturated(Optional<Trial> highest, Optional<String> bounded)
      throws InterruptedException {
    Trial best = best();
    while (best.valid() && !passed(best) && trials.size() < MOST_TRIALS) {
      double beyond =
          CLIMB * trials.stream().filter(Trial::valid).mapToDouble(Trial::rate).max().orElseThrow();
      if (beyond > to || beyond >= late || !trial(beyond, false).valid()) {
        return new Found(
            trials,
            highest,
            Optional.of(beyond > to ? HIGHEST : tooLate()),
            Optional.empty(),
            Optional.empty());
      }
      best = best();
    }
    double most = best.goodput();
    Optional<Trial> saturation =
        trials.stream()
            .filter(trial -> trial.valid() && trial.goodput() >= most * (1 - PLATEAU) && most > 0)
            .min(Comparator.comparingDouble(Trial::rate));
    double twice = 2 * saturation.map(Trial::rate).orElse(Double.POSITIVE_INFINITY);
    if (twice > to) {
      Optional<String> why = saturation.isPresent() ? Optional.of(HIGHEST) : bounded;
      return new Found(trials, highest, why, saturation, Optional.empty());
    }
    Trial overload = trial(twice, true);
    return overload.valid()
        ? new Found(trials, highest, bounded, saturation, Optional.of(overload))
        : new Found(trials, highest, Optional.of(tooLate()), saturation, Optional.empty());
  }

  /** Whether a rate far above was tried that brought no more. */
  private boolean passed(Trial best) {
    return trials.stream()
        .anyMatch(
            trial ->
                trial.valid()
                    && trial.rate() >= CLIMB * best.rate()
                    && trial.goodput() <= best.goodput() * (1 + PLATEAU));
  }

  private Trial best() {
    return trials.stream()
        .filter(Trial::valid)
        .max(Comparator.comparingDouble(Trial::goodput))
        .orElse(trials.getFirst());
  }

  private Trial trial(double rate, boolean longer) throws InterruptedException {
    Trial trial = loads.at(rate, longer);
    trials.add(trial);
    if (!trial.valid()) {
      late = Math.min(late, rate);
    }
    return trial;
  }
}
