package io.ballast.loadtest.bench;

import io.ballast.loadtest.capacity.CallKind;
import io.ballast.loadtest.capacity.CapacityFigures;
import io.ballast.loadtest.capacity.OneMachine;
import io.ballast.loadtest.capacity.Server;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Pacer;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Whether what is simulated is what is measured: a mix of suggestions, scores and events as a
 * Poisson process on the mesh whose costs were measured, at some shares of what its machine can do,
 * beside the simulation of that machine under the same mix.
 */
final class CapacityCheck {
  /** Of the rate that would keep all cores busy if calls saved nothing together. */
  static final List<Double> SHARES = List.of(0.2, 0.4, 0.6, 0.8);

  /** How often {@link #rows} tells of progress: after the warm-up, and after each share. */
  static final int STEPS = 1 + SHARES.size();

  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final int MOST_WARM_UPS = 6;

  /** What is more than chance from one warm-up to the next. */
  private static final double FALLS = 0.97;

  private static final Map<CallKind, Double> MIX =
      Map.of(CallKind.SUGGESTION, 1.0, CallKind.SCORE, 2.0, CallKind.EVENT, 1.0);
  private static final double ALL = 4;
  private static final Duration WARM_UP = Duration.ofSeconds(3);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_IN_FLIGHT = 2_000;
  private static final long MAX_CALLS = 10_000_000;
  private static final long SIMULATED_CALLS = 200_000;
  private static final long KINDS_SEED = 2;

  /**
   * Up to this share, simulated and measured are judged: above it a machine that serves, stores and
   * asks at the same time is late in more ways than by queues, and its callers too.
   */
  static final double JUDGED = 0.6;

  /**
   * By which factor medians may differ, beyond chance ({@link Quantile}): it would be as much of a
   * replica's cores.
   */
  static final double P50_WITHIN = 1.5;

  /**
   * By which factor 99th percentiles may differ, beyond chance: a collection or a checkpoint is
   * among the last few calls, which the simulation does not know of. Of fewer than 368 calls none
   * is too short: they do not say how long the hundredth takes.
   */
  static final double P99_WITHIN = 2;

  /** What no plan hangs on, in milliseconds: a p50 or p99 that differs by less agrees. */
  static final double LEAST_MILLIS = 1;

  /** Of calls that are not answered: if there are more, the others' times are of another load. */
  static final double MOST_MISSED = 0.01;

  private final Map<CallKind, ClosedLoop.Call> calls;
  private final Executor callers;
  private final Duration duration;
  private final Pacer pacer;
  private final Supplier<Map<Server, Double>> cpuSeconds;

  /**
   * What a kind of call took.
   *
   * @param share of what the machine can do
   * @param rate calls of all kinds a second
   * @param busy the share of all cores' time that was worked
   * @param simulatedBusy the same, simulated; NaN: the machine does not keep up
   * @param kind of these calls
   * @param missed the share of them that was refused, or not answered for another reason, 0 to 1
   * @param p50 measured of the others
   * @param p99 measured of the others
   * @param simulated what the simulation says; NaN: that the machine does not keep up
   */
  record Row(
      double share,
      double rate,
      double busy,
      double simulatedBusy,
      CallKind kind,
      double missed,
      Quantile p50,
      Quantile p99,
      OneMachine.Times simulated) {
    private String words() {
      return String.format(Locale.ROOT, "%s at %.0f %%", kind.label(), 100 * share);
    }
  }

  /** What was seen of a kind of call in the measured time. */
  private static final class Seen {
    private final ConcurrentHistogram latency = new ConcurrentHistogram(3);
    private final LongAdder planned = new LongAdder();

    void add(CallRecord call) {
      planned.increment();
      if (call.fate() == Fate.ANSWERED) {
        latency.recordValue(Math.max(0, call.latencyNanos()));
      }
    }

    double missed() {
      long all = planned.sum();
      return all == 0 ? 0 : 1 - (double) latency.getTotalCount() / all;
    }

    Quantile quantile(double percent) {
      return Quantile.of(latency, percent);
    }
  }

  /**
   * @param calls one of each kind, which may block
   * @param callers run them
   * @param duration of each load
   * @param pacer the clock that it is sent by
   * @param cpuSeconds what each server and the caller have worked until now
   */
  CapacityCheck(
      Map<CallKind, ClosedLoop.Call> calls,
      Executor callers,
      Duration duration,
      Pacer pacer,
      Supplier<Map<Server, Double>> cpuSeconds) {
    this.calls = new EnumMap<>(calls);
    this.callers = callers;
    this.duration = duration;
    this.pacer = pacer;
    this.cpuSeconds = cpuSeconds;
  }

  /**
   * Loads the mesh, and simulates.
   *
   * @param step told {@link #STEPS} times
   */
  List<Row> rows(CapacityFigures figures, Runnable step) {
    OneMachine machine = new OneMachine(figures, CORES);
    double most = machine.most(MIX);
    warm(ALL * JUDGED * most);
    step.run();
    List<Row> rows = new ArrayList<>();
    for (double share : SHARES) {
      Map<CallKind, Double> rates = new EnumMap<>(CallKind.class);
      MIX.forEach((kind, each) -> rates.put(kind, each * share * most));
      Map<CallKind, Seen> all = seenOfEach();
      double busy = load(ALL * share * most, all);
      OneMachine.Bearing simulated =
          machine
              .simulate(rates, SIMULATED_CALLS, 1)
              .orElse(new OneMachine.Bearing(Double.NaN, Map.of()));
      for (CallKind kind : CallKind.values()) {
        Seen seen = all.getOrDefault(kind, new Seen());
        rows.add(
            new Row(
                share,
                ALL * share * most,
                busy,
                simulated.busy(),
                kind,
                seen.missed(),
                seen.quantile(50),
                seen.quantile(99),
                simulated
                    .times()
                    .getOrDefault(kind, new OneMachine.Times(Double.NaN, Double.NaN))));
      }
      step.run();
    }
    return rows;
  }

  /** Loads until calls cost no less: what they do in company is compiled then. */
  private void warm(double rate) {
    double last = Double.POSITIVE_INFINITY;
    for (int i = 0; i < MOST_WARM_UPS; i++) {
      double busy = load(rate, seenOfEach()); // of the same calls at the same times
      if (busy > FALLS * last) {
        return;
      }
      last = busy;
    }
  }

  private static Map<CallKind, Seen> seenOfEach() {
    Map<CallKind, Seen> seen = new EnumMap<>(CallKind.class);
    for (CallKind kind : CallKind.values()) {
      seen.put(kind, new Seen());
    }
    return seen;
  }

  /**
   * Loads the mesh, until the last call has ended.
   *
   * @param seen told of each call that is due after the warm-up
   * @return the share of all cores' time that was worked: not by the orchestrator, nor by children
   *     of PostgreSQL that have ended, whose earlier work is taken off too
   */
  private double load(double rate, Map<CallKind, Seen> seen) {
    Map<Server, Double> before = cpuSeconds.get();
    long begun = pacer.nanoTime();
    LoadPlan plan = new LoadPlan(rate, WARM_UP, duration, MAX_IN_FLIGHT, MAX_CALLS, TIMEOUT);
    var unused =
        new OpenLoop(pacer)
            .run(
                plan,
                Arrivals.poisson(rate, new SplittableRandom(1)),
                (index, done) -> callers.execute(() -> done.accept(outcome(index))),
                call -> {
                  if (call.dueNanos() >= WARM_UP.toNanos()) {
                    seen.getOrDefault(kind(call.index()), new Seen()).add(call);
                  }
                });
    double seconds = (pacer.nanoTime() - begun) / 1e9;
    double worked = 0;
    for (Map.Entry<Server, Double> server : cpuSeconds.get().entrySet()) {
      worked += Math.max(0, server.getValue() - before.getOrDefault(server.getKey(), 0.0));
    }
    return worked / seconds / CORES;
  }

  private Outcome outcome(long index) {
    CallKind kind = kind(index);
    try {
      var unused = calls.getOrDefault(kind, i -> 0).items(index);
      return Outcome.answered(kind.name());
    } catch (StatusRuntimeException e) {
      return Outcome.failed(e.getStatus().getCode().name());
    } catch (Exception e) {
      return Outcome.failed(String.valueOf(e.getMessage()));
    }
  }

  /** Of which kind a call is, by chance; the same for the same index. */
  private static CallKind kind(long index) {
    double left = new SplittableRandom(KINDS_SEED + index).nextDouble() * ALL;
    for (CallKind kind : CallKind.values()) {
      left -= MIX.getOrDefault(kind, 0.0);
      if (left < 0) {
        return kind;
      }
    }
    return CallKind.EVENT;
  }

  /**
   * In what measured and simulated differ by more than they may, a sentence each; empty: they agree
   * at all loads up to 60 %.
   */
  static List<String> disagreements(List<Row> rows) {
    List<String> all = new ArrayList<>();
    for (Row row : rows) {
      if (row.share() > JUDGED) {
        continue;
      }
      if (row.missed() > MOST_MISSED) {
        all.add(
            String.format(
                Locale.ROOT,
                "%s: %.1f %% were not answered (allowed: %.0f %%)",
                row.words(),
                100 * row.missed(),
                100 * MOST_MISSED));
      }
      if (Double.isNaN(row.simulated().p50())) {
        all.add(row.words() + ": simulated, the machine does not keep up");
        continue;
      }
      addUnlike(all, row.words() + ": p50", row.p50(), row.simulated().p50(), P50_WITHIN);
      addUnlike(all, row.words() + ": p99", row.p99(), row.simulated().p99(), P99_WITHIN);
    }
    return all;
  }

  private static void addUnlike(
      List<String> all, String what, Quantile measured, double simulated, double within) {
    boolean longer =
        measured.least() > within * simulated && measured.least() - simulated > LEAST_MILLIS;
    boolean shorter =
        measured.most() * within < simulated && simulated - measured.most() > LEAST_MILLIS;
    if (longer || shorter || Double.isNaN(measured.value())) {
      all.add(
          String.format(
              Locale.ROOT,
              "%s: measured %s ms, simulated %.1f ms (allowed beyond that: a factor of %.1f, or %.0f ms)",
              what,
              measured,
              simulated,
              within,
              LEAST_MILLIS));
    }
  }

  /** Measured and simulated side by side. */
  static String table(List<Row> rows) {
    StringBuilder table = new StringBuilder();
    table.append(
        "| Load | Calls/s | Cores busy | simulated | Call | Not answered | p50 measured, ms | simulated | p99 measured, ms"
            + " | simulated |\n"
            + "|---|---|---|---|---|---|---|---|---|---|\n");
    for (Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "| %.0f %% | %.1f | %.0f %% | %.0f %% | %s | %.1f %% | %s | %.1f | %s | %.1f |%n",
              100 * row.share(),
              row.rate(),
              100 * row.busy(),
              100 * row.simulatedBusy(),
              row.kind().label(),
              100 * row.missed(),
              row.p50(),
              row.simulated().p50(),
              row.p99(),
              row.simulated().p99()));
    }
    return table.toString();
  }
}
