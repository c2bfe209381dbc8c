package io.ballast.loadtest.bench;

import io.ballast.loadtest.capacity.CallKind;
import io.ballast.loadtest.capacity.CapacityFigures;
import io.ballast.loadtest.capacity.OneMachine;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.SystemPacer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Whether what is simulated is what is measured: a mix of suggestions, scores and events as a
 * Poisson process on the mesh whose costs were measured, at some shares of what its machine can do,
 * beside the simulation of that machine under the same mix.
 */
final class CapacityCheck {
  /** Of the rate that would keep all cores busy if calls saved nothing together. */
  static final List<Double> SHARES = List.of(0.2, 0.4, 0.6, 0.8);

  private static final Map<CallKind, Double> MIX =
      Map.of(CallKind.SUGGESTION, 1.0, CallKind.SCORE, 2.0, CallKind.EVENT, 1.0);
  private static final double ALL = 4;
  private static final Duration WARM_UP = Duration.ofSeconds(3);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_IN_FLIGHT = 2_000;
  private static final long MAX_CALLS = 10_000_000;
  private static final long SIMULATED_CALLS = 200_000;
  private static final double NANOS = 1e6;

  private final Map<CallKind, ClosedLoop.Call> calls;
  private final ExecutorService callers;
  private final Duration duration;

  /**
   * What a kind of call took.
   *
   * @param share of what the machine can do
   * @param rate calls of all kinds a second
   * @param kind of these calls
   * @param p50 measured, in milliseconds
   * @param p99 measured
   * @param simulated what the simulation says
   */
  record Row(
      double share,
      double rate,
      CallKind kind,
      double p50,
      double p99,
      OneMachine.Times simulated) {}

  /**
   * @param calls one of each kind, which may block
   * @param callers run them
   * @param duration of each load
   */
  CapacityCheck(Map<CallKind, ClosedLoop.Call> calls, ExecutorService callers, Duration duration) {
    this.calls = new EnumMap<>(calls);
    this.callers = callers;
    this.duration = duration;
  }

  /**
   * Loads the mesh, and simulates.
   *
   * @param step told after each share
   */
  List<Row> rows(CapacityFigures figures, Runnable step) {
    OneMachine machine = new OneMachine(figures, Runtime.getRuntime().availableProcessors());
    double most = machine.most(MIX);
    List<Row> rows = new ArrayList<>();
    for (double share : SHARES) {
      Map<CallKind, Double> rates = new EnumMap<>(CallKind.class);
      MIX.forEach((kind, each) -> rates.put(kind, each * share * most));
      Map<CallKind, ConcurrentHistogram> seen = load(ALL * share * most);
      Map<CallKind, OneMachine.Times> simulated = machine.simulate(rates, SIMULATED_CALLS, 1);
      for (CallKind kind : CallKind.values()) {
        ConcurrentHistogram latency = seen.getOrDefault(kind, new ConcurrentHistogram(3));
        rows.add(
            new Row(
                share,
                ALL * share * most,
                kind,
                latency.getValueAtPercentile(50) / NANOS,
                latency.getValueAtPercentile(99) / NANOS,
                simulated.getOrDefault(kind, new OneMachine.Times(Double.NaN, Double.NaN))));
      }
      step.run();
    }
    return rows;
  }

  private Map<CallKind, ConcurrentHistogram> load(double rate) {
    Map<CallKind, ConcurrentHistogram> seen = new EnumMap<>(CallKind.class);
    for (CallKind kind : CallKind.values()) {
      seen.put(kind, new ConcurrentHistogram(3));
    }
    SplittableRandom kinds = new SplittableRandom(2);
    LoadPlan plan = new LoadPlan(rate, WARM_UP, duration, MAX_IN_FLIGHT, MAX_CALLS, TIMEOUT);
    var result =
        new OpenLoop(new SystemPacer())
            .run(
                plan,
                Arrivals.poisson(rate, new SplittableRandom(1)),
                (index, done) -> {
                  CallKind kind = draw(kinds.nextDouble() * ALL);
                  callers.execute(
                      () -> {
                        try {
                          var unused = calls.getOrDefault(kind, i -> 0).items(index);
                          done.accept(Outcome.answered(kind.name()));
                        } catch (Exception e) {
                          done.accept(Outcome.failed(String.valueOf(e.getMessage())));
                        }
                      });
                },
                call -> record(seen, call));
    if (result.missedShare() > 0) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT, "at %.0f calls/s calls were not answered: %s", rate, result.failures()));
    }
    return seen;
  }

  private static CallKind draw(double at) {
    double left = at;
    for (CallKind kind : CallKind.values()) {
      left -= MIX.getOrDefault(kind, 0.0);
      if (left < 0) {
        return kind;
      }
    }
    return CallKind.EVENT;
  }

  private static void record(Map<CallKind, ConcurrentHistogram> seen, CallRecord call) {
    if (call.fate() == Fate.ANSWERED && call.dueNanos() >= WARM_UP.toNanos()) {
      seen.getOrDefault(CallKind.valueOf(call.label()), new ConcurrentHistogram(3))
          .recordValue(Math.max(0, call.latencyNanos()));
    }
  }

  /** Measured and simulated side by side. */
  static String table(List<Row> rows) {
    StringBuilder table = new StringBuilder();
    table.append(
        "| Load | Calls/s | Call | p50 measured, ms | simulated | p99 measured, ms | simulated |\n"
            + "|---|---|---|---|---|---|---|\n");
    for (Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "| %.0f %% | %.1f | %s | %.1f | %.1f | %.1f | %.1f |%n",
              100 * row.share(),
              row.rate(),
              row.kind().label(),
              row.p50(),
              row.simulated().p50(),
              row.p99(),
              row.simulated().p99()));
    }
    return table.toString();
  }
}
