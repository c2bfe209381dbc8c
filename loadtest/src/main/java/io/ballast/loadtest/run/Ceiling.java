package io.ballast.loadtest.run;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.MeshChannels;
import io.ballast.loadtest.call.MixTarget;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * How many calls a second this generator manages on this machine: its own mix, sent as fast as it
 * can to a server in the same process that does nothing, and read as fast, for a reader that waits
 * costs little. That server takes a part of the cores, so the figure is on the low side.
 */
public final class Ceiling {
  private static final int ENOUGH = 500;
  private static final long PATIENCE_NANOS = 20_000_000_000L;
  private static final long MOMENT_NANOS = 100_000;
  private static final int IN_FLIGHT = 256;

  private Ceiling() {}

  /** Measures for a scenario's calibration time. */
  static double perSecond(LoadScenario scenario, Pacer pacer) {
    return perSecond(
        scenario.mix(),
        scenario.seed(),
        scenario.prompts(),
        scenario.generator().calibration(),
        pacer);
  }

  /**
   * Measures calls of a mix.
   *
   * @param asked one or more
   * @param seed of the mix
   * @param prompts one or more
   * @param calibration for how long
   */
  public static double perSecond(
      List<CallStep> asked, long seed, List<String> prompts, Duration calibration, Pacer pacer) {
    List<CallStep> steps = asked.stream().map(CallStep::readAtOnce).toList();
    Mix mix = new Mix(steps, seed);
    try (NullMesh nothing = new NullMesh();
        MeshChannels channels =
            new MeshChannels(nothing.address(), nothing.address(), Credentials.NONE);
        MixTarget target = new MixTarget(steps, mix, channels, prompts, "ceiling")) {
      for (int step = 0; step < steps.size(); step++) {
        CompletableFuture<Outcome> connected = new CompletableFuture<>();
        target.step(step).call(step, connected::complete);
        Outcome outcome = connected.join();
        if (!outcome.succeeded()) { // else the generator would seem to manage nothing
          throw new IllegalStateException(
              "mix[%d]: the server that does nothing answers it with %s"
                  .formatted(step, outcome.label()));
        }
      }
      return perSecond(target, calibration, pacer);
    }
  }

  /**
   * What a target answers a second with so many calls under way that it never waits for one: for
   * half the time, in which the code is compiled, and then for the other half, each of which goes
   * on until {@value #ENOUGH} were answered.
   */
  static double perSecond(Target target, Duration time, Pacer pacer) {
    long half = time.toNanos() / 2;
    Flood flood = new Flood(target, pacer);
    long begin = pacer.nanoTime();
    while (pacer.nanoTime() - begin < half
        || (flood.answered.sum() < ENOUGH && pacer.nanoTime() - begin < PATIENCE_NANOS)) {
      flood.go();
    }
    long before = flood.answered.sum();
    begin = pacer.nanoTime();
    while (pacer.nanoTime() - begin < half
        || (flood.answered.sum() - before < ENOUGH && pacer.nanoTime() - begin < PATIENCE_NANOS)) {
      flood.go();
    }
    double perSecond = (flood.answered.sum() - before) / ((pacer.nanoTime() - begin) / 1e9);
    flood.drain();
    return perSecond;
  }

  /** Calls that are sent while few enough are under way. */
  private static final class Flood {
    private final Target target;
    private final Pacer pacer;
    private final LongAdder answered = new LongAdder();
    private final AtomicInteger inFlight = new AtomicInteger();
    private long sent;

    Flood(Target target, Pacer pacer) {
      this.target = target;
      this.pacer = pacer;
    }

    /** Waits for what is under way, so that nothing is cut off. */
    void drain() {
      long limit = pacer.nanoTime() + PATIENCE_NANOS;
      while (inFlight.get() > 0 && pacer.nanoTime() < limit) {
        pacer.sleepUntil(pacer.nanoTime() + MOMENT_NANOS);
      }
    }

    /** Sends a call, or waits for a moment. */
    void go() {
      if (inFlight.get() == IN_FLIGHT) {
        pacer.sleepUntil(pacer.nanoTime() + MOMENT_NANOS);
        return;
      }
      inFlight.incrementAndGet();
      target.call(
          sent++,
          outcome -> {
            inFlight.decrementAndGet();
            if (outcome.succeeded()) {
              answered.increment();
            }
          });
    }
  }
}
