package io.ballast.loadtest.run;

import io.ballast.loadtest.call.KeptFeedback;
import io.ballast.loadtest.call.MeshChannels;
import io.ballast.loadtest.call.MixTarget;
import io.ballast.loadtest.call.ReportedEvents;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.loadtest.report.LoadFigures;
import io.ballast.loadtest.scenario.CallKind;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Sends one process's part of a load. First it measures itself and makes a call of each kind, then
 * it waits to be told to begin.
 */
final class Worker implements LoadGenerator {
  /** First calls have indexes that those of no load reach. */
  private static final long FIRST = 1L << 40;

  /** A mesh that has just started answers its first calls late. */
  private static final int ATTEMPTS = 5;

  private static final Duration READING = Duration.ofMinutes(5);

  private final LoadScenario scenario;
  private final int number;
  private final int workers;
  private final Pacer pacer;
  private final InstantSource clock;
  private final double ceiling;
  private final Mix mix;
  private final MeshChannels channels;
  private final MixTarget target;

  private Worker(
      LoadScenario scenario,
      int number,
      int workers,
      Pacer pacer,
      InstantSource clock,
      double ceiling,
      MeshPlace place) {
    this.scenario = scenario;
    this.number = number;
    this.workers = workers;
    this.pacer = pacer;
    this.clock = clock;
    this.ceiling = ceiling;
    this.mix = new Mix(scenario.mix(), scenario.seed() + number);
    this.channels = new MeshChannels(place.policy(), place.reward(), place.credentials());
    try {
      this.target =
          new MixTarget(
              scenario.mix(), mix, channels, scenario.prompts(), place.run() + "-" + number);
      for (int step = 0; step < scenario.mix().size(); step++) {
        boolean scores = scenario.mix().get(step).kind() == CallKind.SCORE;
        firstCall(step, (scores ? place.reward() : place.policy()).toString());
      }
    } catch (StatusRuntimeException e) {
      channels.close();
      throw refused(e.getStatus().getCode().name(), place.words());
    } catch (RefusedLoadException e) {
      channels.close();
      throw e;
    }
  }

  /**
   * Measures itself and connects.
   *
   * @param number from 0
   * @throws RefusedLoadException if the mesh does not answer
   */
  static Worker ready(
      LoadScenario scenario,
      int number,
      int workers,
      Pacer pacer,
      InstantSource clock,
      MeshPlace place) {
    double ceiling = Ceiling.perSecond(scenario, pacer);
    return new Worker(scenario, number, workers, pacer, clock, ceiling, place);
  }

  private void firstCall(int step, String address) {
    Outcome first = Outcome.failed("");
    for (int attempt = 0; attempt < ATTEMPTS && !first.succeeded(); attempt++) {
      CompletableFuture<Outcome> outcome = new CompletableFuture<>();
      target
          .step(step)
          .call(FIRST + (long) attempt * scenario.mix().size() + step, outcome::complete);
      first = outcome.join();
      if (!first.label().equals(Status.Code.DEADLINE_EXCEEDED.name())) {
        break;
      }
    }
    if (!first.succeeded()) {
      throw refused(scenario.mix().get(step).name() + " failed with " + first.label(), address);
    }
  }

  private static RefusedLoadException refused(String how, String address) {
    boolean away = how.endsWith("UNAVAILABLE");
    return new RefusedLoadException(
        away
            ? "nothing answers at "
                + address
                + "; start a mesh with ./mesh up or name another with --target"
            : "the first call: " + how + "; no load was sent",
        away);
  }

  @Override
  public double ceiling() {
    return ceiling;
  }

  @Override
  public LoadPart send() {
    Instant begin = clock.instant();
    LoadFigures figures = new LoadFigures(scenario, mix);
    LoadResult sent =
        new OpenLoop(pacer)
            .run(scenario.plan(workers), scenario.arrivals(number, workers), target, figures);
    return new LoadPart(
        ceiling, figures, sent.cutShort(), scenario.feedbackKept() ? kept(begin) : null);
  }

  /** A mesh that cannot be asked any more takes away this check, and not the whole load. */
  private KeptFeedback kept(Instant begin) {
    Map<String, ReportedEvents> reported = target.given().reported();
    try {
      return KeptFeedback.of(channels.policy(), reported, begin, READING);
    } catch (StatusRuntimeException e) {
      return KeptFeedback.unread(reported, e.getStatus().getCode().name());
    }
  }

  @Override
  public void close() {
    target.close();
    channels.close();
  }
}
