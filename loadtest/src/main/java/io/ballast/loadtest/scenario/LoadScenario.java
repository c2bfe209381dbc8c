package io.ballast.loadtest.scenario;

import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.RateCurve;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.random.RandomGeneratorFactory;

/**
 * A whole load, as a file says it.
 *
 * @param trace times of calls in seconds after the beginning; of {@link Spread#TRACE} alone
 * @param phases one after the other, at least one, at least one of them measured
 * @param mix at least one
 * @param prompts at least one
 * @param feedbackKept whether every event that was acknowledged is looked for afterwards
 * @param memoryGrowth the share by which the server's memory may grow from the second quarter to
 *     the last; empty: by any
 */
public record LoadScenario(
    String name,
    long seed,
    Spread spread,
    List<Double> trace,
    List<Phase> phases,
    List<CallStep> mix,
    List<String> prompts,
    int maxInFlight,
    long maxCalls,
    List<Slo> slos,
    boolean feedbackKept,
    OptionalDouble memoryGrowth,
    List<Fault> faults,
    GeneratorLimits generator) {
  /** The source of all chance of a load. */
  private static final String RANDOM = "L64X128MixRandom";

  /** Copies the lists. */
  public LoadScenario {
    trace = List.copyOf(trace);
    phases = List.copyOf(phases);
    mix = List.copyOf(mix);
    prompts = List.copyOf(prompts);
    slos = List.copyOf(slos);
    faults = List.copyOf(faults);
  }

  /**
   * Seconds within which an answer to a step is good: what an SLO of that step says, or else one of
   * all; infinite: whenever it comes.
   */
  public double goodWithin(String step) {
    return slos.stream()
        .filter(slo -> slo.of().equals(step) && !Double.isInfinite(slo.within()))
        .mapToDouble(Slo::within)
        .min()
        .orElseGet(() -> step.isEmpty() ? Double.POSITIVE_INFINITY : goodWithin(""));
  }

  /** How long calls are sent. */
  public double seconds() {
    return phases.stream().mapToDouble(Phase::seconds).sum();
  }

  /** The phase of a time in seconds after the beginning; the last one after its end. */
  public int phaseAt(double seconds) {
    double end = 0;
    for (int i = 0; i < phases.size(); i++) {
      end += phases.get(i).seconds();
      if (seconds < end) {
        return i;
      }
    }
    return phases.size() - 1;
  }

  /** How long is measured, in seconds. */
  public double measuredSeconds() {
    return phases.stream().filter(Phase::measured).mapToDouble(Phase::seconds).sum();
  }

  /** Calls a second that are meant at the most: of a trace, in its fullest second. */
  public double peakRate() {
    if (spread != Spread.TRACE) {
      return curve().peak();
    }
    int most = 0;
    int first = 0;
    for (int last = 0; last < trace.size(); last++) {
      while (trace.get(last) - trace.get(first) >= 1) {
        first++;
      }
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  /** Calls that are meant in all; of POISSON arrivals as many as come on average. */
  public double calls() {
    double end = seconds();
    return spread == Spread.TRACE
        ? trace.stream().filter(time -> time < end).count()
        : curve().calls();
  }

  private RateCurve curve() {
    List<RateCurve.Piece> pieces = new ArrayList<>();
    phases.forEach(phase -> pieces.addAll(phase.pieces()));
    return new RateCurve(pieces);
  }

  /**
   * The times of one generator's calls.
   *
   * @param worker its number, from 0
   * @param workers how many share the load; each sends its part of the rate, or of the trace
   */
  public Arrivals arrivals(int worker, int workers) {
    return switch (spread) {
      case POISSON ->
          Arrivals.poissonAlong(
              curve().times(1.0 / workers),
              RandomGeneratorFactory.of(RANDOM).create(seed + worker));
      case EVEN -> Arrivals.evenlyAlong(curve(), worker, workers);
      case TRACE -> {
        List<Double> own = new ArrayList<>();
        for (int i = worker; i < trace.size(); i += workers) {
          own.add(trace.get(i));
        }
        yield Arrivals.traced(own);
      }
    };
  }

  /** The bounds of one generator's load. */
  public LoadPlan plan(int workers) {
    return new LoadPlan(
        Math.max(0.1, peakRate() / workers),
        Duration.ZERO,
        phases.stream().map(Phase::duration).reduce(Duration.ZERO, Duration::plus),
        Math.ceilDiv(maxInFlight, workers),
        Math.ceilDiv(maxCalls, workers),
        mix.stream().map(CallStep::timeout).max(Duration::compareTo).orElseThrow());
  }

  /** The same mix and limits, with other phases. */
  public LoadScenario with(List<Phase> other) {
    return new LoadScenario(
        name,
        seed,
        spread == Spread.TRACE ? Spread.POISSON : spread,
        List.of(),
        other,
        mix,
        prompts,
        maxInFlight,
        maxCalls,
        slos,
        feedbackKept,
        OptionalDouble.empty(),
        List.of(),
        generator);
  }
}
