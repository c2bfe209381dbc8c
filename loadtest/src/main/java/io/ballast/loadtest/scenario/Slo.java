package io.ballast.loadtest.scenario;

/**
 * One thing that must hold of the measured calls.
 *
 * @param of the step that it is of; empty: all calls
 * @param measure what is looked at
 * @param percentile of latency, above 0 and at most 100; of {@link Measure#LATENCY}
 * @param limit seconds for LATENCY; a share of 0 to 1 for ERRORS and DEGRADED; calls a second for
 *     GOODPUT
 * @param within seconds within which an answer is good; infinite: whenever it comes. Of GOODPUT and
 *     ERRORS
 */
public record Slo(String of, Measure measure, double percentile, double limit, double within) {
  /** What is looked at. */
  public enum Measure {
    /** A percentile of latency, of answered calls, which must be at most the limit. */
    LATENCY,
    /** The share of planned calls without a good answer, which must be at most the limit. */
    ERRORS,
    /** The share of answered calls that are degraded, which must be at most the limit. */
    DEGRADED,
    /** Good answers a second, which must be at least the limit. */
    GOODPUT
  }

  /** For people. */
  public String words() {
    String whose = of.isEmpty() ? "" : of + ": ";
    String good =
        Double.isInfinite(within) ? "" : " within %s ms".formatted(number(within * 1_000));
    return whose
        + switch (measure) {
          case LATENCY -> "p%s at most %s ms".formatted(number(percentile), number(limit * 1_000));
          case ERRORS ->
              "at most %s %% without a good answer%s".formatted(number(limit * 100), good);
          case DEGRADED -> "at most %s %% degraded".formatted(number(limit * 100));
          case GOODPUT -> "at least %s answers/s%s".formatted(number(limit), good);
        };
  }

  /** A number without the zeros that say nothing. */
  public static String number(double value) {
    double rounded = Math.rint(value * 1e6) / 1e6;
    return rounded == Math.rint(rounded) ? Long.toString((long) rounded) : Double.toString(rounded);
  }
}
