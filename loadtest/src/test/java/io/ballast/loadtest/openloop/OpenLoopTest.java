package io.ballast.loadtest.openloop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** An open loop sends on time, whatever the server does, and hides none of what it does. */
class OpenLoopTest {
  private static final long MILLI = 1_000_000;
  private static final Outcome OK = Outcome.answered("SHOW");

  private final FakePacer pacer = new FakePacer();

  private LoadResult run(LoadPlan plan, Target target) {
    return new OpenLoop(pacer).run(plan, Arrivals.evenly(plan.ratePerSecond()), target);
  }

  /** 100 calls a second for 10 seconds. */
  private static LoadPlan plan(int maxInFlight) {
    return new LoadPlan(
        100, Duration.ZERO, Duration.ofSeconds(10), maxInFlight, 1_000_000, Duration.ofSeconds(5));
  }

  /** Answers each call after 2 ms, but stands still from 4 s to 6 s after its making. */
  private final class StallingServer implements Target {
    private final long stallStart = pacer.nanoTime() + 4_000 * MILLI;
    private final long stallEnd = stallStart + 2_000 * MILLI;

    @Override
    public void call(long index, Consumer<Outcome> done) {
      long now = pacer.nanoTime();
      long stalled = now >= stallStart && now < stallEnd ? stallEnd - now : 0;
      pacer.after(stalled + 2 * MILLI, () -> done.accept(OK));
    }
  }

  @Test
  void everyCallThatWasDueDuringAStallCountsIt() {
    LoadResult result = run(plan(10_000), new StallingServer());

    assertThat(result.answers()).isEqualTo(Map.of("SHOW", 1_000L));
    // 200 of 1,000 calls fell into the stall and waited 2,000, 1,990, … 10 ms for its end
    assertThat(result.latency().nanosAt(79)).isCloseTo(2 * MILLI, withinPercentage(0.2));
    assertThat(result.latency().nanosAt(90)).isCloseTo(1_002 * MILLI, withinPercentage(1));
    assertThat(result.latency().maxNanos()).isCloseTo(2_002 * MILLI, withinPercentage(0.2));
  }

  @Test
  void aSenderThatIsHeldUpCountsFromWhenCallsWereMeant() {
    // this server blocks the sending thread itself for 2 s, once, as full flow control does
    Target blocking =
        (index, done) -> {
          if (index == 400) {
            pacer.sleepUntil(pacer.nanoTime() + 2_000 * MILLI);
          }
          pacer.after(2 * MILLI, () -> done.accept(OK));
        };
    LoadResult result = run(plan(10_000), blocking);

    // what a closed loop would report: one slow call in a thousand
    assertThat(result.serviceTime().nanosAt(99.8)).isCloseTo(2 * MILLI, withinPercentage(0.2));
    // what callers met: calls 400 to 599 were meant for the two seconds and all of them waited
    assertThat(result.latency().nanosAt(90)).isCloseTo(1_002 * MILLI, withinPercentage(1));
    assertThat(result.sendDelay().maxNanos()).isCloseTo(1_990 * MILLI, withinPercentage(0.2));
    assertThat(result.succeeded()).isEqualTo(1_000);
  }

  @Test
  void callsOverTheCapAreDroppedAndCounted() {
    LoadResult result = run(plan(50), new StallingServer());

    // 50 of the stall's 200 calls wait, 150 are not sent, nor is the one of 6.000 s: they are
    // answered at 6.002 s
    assertThat(result.dropped()).isEqualTo(151);
    assertThat(result.succeeded()).isEqualTo(849);
    assertThat(result.planned()).isEqualTo(1_000);
    assertThat(result.missedShare()).isCloseTo(0.151, withinPercentage(0.001));
    assertThat(result.sentPerSecond()).isCloseTo(84.9, withinPercentage(0.1));
  }

  @Test
  void theWarmUpIsSentButNotMeasured() {
    LoadPlan plan =
        new LoadPlan(
            100,
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            10_000,
            1_000_000,
            Duration.ofSeconds(5));
    long[] calls = new long[1];
    Target slowAtFirst =
        (index, done) -> {
          calls[0]++;
          pacer.after(index < 500 ? 300 * MILLI : MILLI, () -> done.accept(OK));
        };
    LoadResult result = run(plan, slowAtFirst);

    assertThat(calls[0]).isEqualTo(1_000);
    assertThat(result.succeeded()).isEqualTo(500);
    assertThat(result.latency().maxNanos()).isCloseTo(MILLI, withinPercentage(0.2));
  }

  @Test
  void aServerThatNeverAnswersEndsTheLoadAllTheSame() {
    long before = pacer.nanoTime();
    LoadResult result = run(plan(10_000), (index, done) -> {});

    assertThat(result.failures()).isEqualTo(Map.of("UNFINISHED", 1_000L));
    assertThat(result.latency().count()).isZero();
    assertThat(result.latency().nanosAt(99)).isZero();
    assertThat(pacer.nanoTime() - before).isLessThanOrEqualTo(15_001 * MILLI);
  }

  @Test
  void aSenderTooFarBehindGivesUpAndSaysHowManyItDidNotSend() {
    Target blocking =
        (index, done) -> {
          pacer.sleepUntil(pacer.nanoTime() + 1_000 * MILLI);
          done.accept(OK);
        };
    LoadResult result = run(plan(10_000), blocking);

    // one call a second until 10 s of plan and 5 s of timeout are over
    assertThat(result.succeeded()).isEqualTo(16);
    assertThat(result.unsent()).isEqualTo(984);
    assertThat(result.planned()).isEqualTo(1_000);
  }

  @Test
  void theCapOnCallsEndsTheLoad() {
    LoadPlan plan =
        new LoadPlan(100, Duration.ZERO, Duration.ofHours(1), 100, 200, Duration.ofSeconds(1));
    LoadResult result = run(plan, (index, done) -> done.accept(OK));

    assertThat(result.cutShort()).isTrue();
    assertThat(result.succeeded()).isEqualTo(200);
    assertThat(result.sentPerSecond()).isCloseTo(100, withinPercentage(1));
  }

  @Test
  void failuresAreCountedByNameAndNotTimed() {
    Target failing =
        (index, done) -> {
          if (index == 3) {
            throw new IllegalStateException("no channel");
          }
          Outcome outcome = index % 2 == 0 ? OK : Outcome.failed("UNAVAILABLE");
          done.accept(outcome);
          done.accept(outcome); // told twice counts once
        };
    LoadResult result = run(plan(10), failing);

    assertThat(result.failures())
        .isEqualTo(Map.of("UNAVAILABLE", 499L, "CLIENT_IllegalStateException", 1L));
    assertThat(result.latency().count()).isEqualTo(500);
  }

  @Test
  void eachPlannedCallIsToldOnce() {
    List<CallRecord> calls = new ArrayList<>();
    LoadResult result =
        new OpenLoop(pacer).run(plan(50), Arrivals.evenly(100), new StallingServer(), calls::add);

    assertThat(calls.stream().map(CallRecord::index).distinct()).hasSize(1_000);
    assertThat(calls).hasSize(1_000);
    Map<CallRecord.Fate, Long> fates =
        calls.stream().collect(Collectors.groupingBy(CallRecord::fate, Collectors.counting()));
    assertThat(fates)
        .isEqualTo(Map.of(CallRecord.Fate.ANSWERED, 849L, CallRecord.Fate.DROPPED, 151L));
    long longest = calls.stream().mapToLong(CallRecord::latencyNanos).max().orElseThrow();
    assertThat(longest).isCloseTo(result.latency().maxNanos(), withinPercentage(0.2));
  }

  @Test
  void whatHasNotEndedIsToldWhenTheLoadEnds() {
    List<CallRecord> calls = new ArrayList<>();
    new OpenLoop(pacer).run(plan(10_000), Arrivals.evenly(100), (index, done) -> {}, calls::add);

    assertThat(calls)
        .hasSize(1_000)
        .allMatch(call -> call.fate() == CallRecord.Fate.FAILED)
        .allMatch(call -> call.label().equals(CallRecord.UNFINISHED));
  }

  @Test
  void whatAFullServerRefusesIsShedAndWhatCannotBeRightIsWrong() {
    List<CallRecord> calls = new ArrayList<>();
    Target target =
        (index, done) ->
            done.accept(
                switch ((int) (index % 3)) {
                  case 0 -> Outcome.failed("RESOURCE_EXHAUSTED");
                  case 1 -> Outcome.wrong("SCORE_NOT_FINITE");
                  default -> Outcome.answered("VALUE", 2);
                });
    LoadResult result = new OpenLoop(pacer).run(plan(10), Arrivals.evenly(100), target, calls::add);

    assertThat(calls.subList(0, 3).stream().map(CallRecord::fate))
        .containsExactly(CallRecord.Fate.SHED, CallRecord.Fate.WRONG, CallRecord.Fate.ANSWERED);
    assertThat(calls.get(2).degradations()).isEqualTo(2);
    assertThat(result.succeeded()).isEqualTo(333);
  }

  @Test
  void aLoadIsAsLongAsItsPlanThoughNoCallIsDueAnyMore() {
    long before = pacer.nanoTime();
    new OpenLoop(pacer)
        .run(plan(10), Arrivals.traced(List.of(0.0, 1.0)), (index, done) -> done.accept(OK));
    assertThat(pacer.nanoTime() - before).isEqualTo(10_000 * MILLI);
  }
}
