package io.ballast.orchestrator.core.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.orchestrator.core.spec.SpreadLimit;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldReading.Failed;
import io.ballast.orchestrator.core.watch.GoldReading.Measured;
import io.ballast.orchestrator.core.watch.RewardWatch.Observation;
import io.ballast.orchestrator.core.watch.RewardWatch.Seen;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** The watch says when a run's rewards can no longer be believed, and which weights still could. */
class RewardWatchTest {
  private static final GoldSpec GOLD =
      new GoldSpec(
          new RewardSpec(new ModelRef("gold", "1"), AggregationMethod.MEAN, 0.5, 0.25), 1, 8);

  private static WatchSpec spec(int patience, WatchAction action) {
    return new WatchSpec(new SpreadLimit(1.5, true), 0.5, patience, action, GOLD);
  }

  private static List<Seen> watch(WatchSpec spec, Observation... observations) {
    List<Seen> all = new ArrayList<>();
    WatchState state = null;
    for (Observation each : observations) {
      Seen seen = RewardWatch.observe(spec, state, each);
      all.add(seen);
      state = seen.next();
    }
    return all;
  }

  private static Observation spread(int iteration, double spread) {
    return new Observation(iteration, 0, OptionalDouble.of(spread), null);
  }

  private static Observation gold(int iteration, double gold, double proxy) {
    return new Observation(
        iteration, proxy, OptionalDouble.of(1), new Measured(gold, 2, proxy, 0.5, 8, 0));
  }

  private static final Failed AWAY = new Failed("DEPENDENCY_DOWN", "away");

  @Test
  void aSpreadThatStaysOverItsLimitRaisesAnAlarmOncePatienceIsOver() {
    List<Seen> seen =
        watch(
            spec(2, WatchAction.RECORD),
            spread(1, 0.2),
            spread(2, 0.31),
            spread(3, 0.3), // the limit itself is within: patience begins anew
            spread(4, 0.31),
            spread(5, 0.4),
            spread(6, 0.5));

    assertThat(seen.stream().map(each -> each.watch().alarms().size()))
        .containsExactly(0, 0, 0, 0, 1, 1);
    RunAlarm alarm = seen.get(4).watch().alarms().getFirst();
    assertThat(alarm.iteration()).isEqualTo(5);
    assertThat(alarm.alarm().kind()).isEqualTo(AlarmKind.SPREAD_GREW);
    assertThat(alarm.alarm().observed()).isEqualTo(0.4);
    assertThat(alarm.alarm().limit()).isCloseTo(0.3, within(1e-12)); // 1.5 · 0.2
    assertThat(alarm.words()).isEqualTo("spread 0.40 over 0.30 in iteration 5");
  }

  @Test
  void theGoodWeightsAreThoseThatTheLastIterationWithinTheLimitsMeasured() {
    List<Seen> seen =
        watch(
            spec(2, WatchAction.STOP),
            spread(1, 0.2),
            spread(2, 0.2),
            spread(3, 0.4),
            spread(4, 0.4));

    // iteration 2 measured what iteration 1 left
    assertThat(seen.stream().map(each -> each.next().goodIteration())).containsExactly(0, 1, 1, 1);
    assertThat(seen.get(2).stopReason()).isEmpty();
    assertThat(seen.get(3).stopReason())
        .isEqualTo("spread 0.40 over 0.30 in iteration 4; back to the weights after iteration 1");
  }

  @Test
  void withNothingGoodButTheBaseTheReasonSaysSo() {
    List<Seen> seen = watch(spec(1, WatchAction.STOP), spread(1, 0.2), spread(2, 0.4));

    assertThat(seen.getLast().stopReason())
        .isEqualTo("spread 0.40 over 0.30 in iteration 2; only the base was within the limits");
  }

  @Test
  void theGapIsCountedInTheStandardDeviationsOfTheFirstReading() {
    // gold has standard deviation 2, the reward 0.5: +1 of gold is 0.5 of its, +0.6 of the reward
    // 1.2
    List<Seen> seen =
        watch(spec(1, WatchAction.REFUSE_PROMOTION), gold(1, 10, 0), gold(2, 11, 0.6));

    assertThat(seen.getFirst().watch().gap()).isEqualTo(0);
    assertThat(seen.getLast().watch().gap()).isCloseTo(1.2 - 0.5, within(1e-12));
    RunAlarm alarm = seen.getLast().watch().alarms().getFirst();
    assertThat(alarm.alarm().kind()).isEqualTo(AlarmKind.PROXY_GOLD_GAP);
    assertThat(alarm.alarm().observed()).isCloseTo(0.7, within(1e-12));
    assertThat(alarm.alarm().limit()).isEqualTo(0.5);
    assertThat(seen.getLast().stopReason()).as("it only refuses").isEmpty();
    assertThat(RunAlarm.refusal(seen.getLast().watch().alarms()))
        .isEqualTo("reward less gold 0.70 over 0.50 in iteration 2");
  }

  @Test
  void theSameOnAnotherScaleIsTheSameGap() {
    Measured first = new Measured(10, 2, 0, 0.5, 8, 0);
    Measured then = new Measured(11, 2, 0.6, 0.5, 8, 0);
    Measured firstScaled = new Measured(-7 + 100 * 10, 100 * 2, 3, 1_000 * 0.5, 8, 0);
    Measured thenScaled = new Measured(-7 + 100 * 11, 100 * 2, 3 + 1_000 * 0.6, 1_000 * 0.5, 8, 0);

    assertThat(gapAfter(firstScaled, thenScaled)).isCloseTo(gapAfter(first, then), within(1e-12));
  }

  private static double gapAfter(Measured first, Measured then) {
    Double gap =
        watch(
                spec(9, WatchAction.RECORD),
                new Observation(1, first.proxy(), OptionalDouble.of(1), first),
                new Observation(2, then.proxy(), OptionalDouble.of(1), then))
            .getLast()
            .watch()
            .gap();
    return Objects.requireNonNull(gap);
  }

  @Test
  void goldThatFailsIsNoNumberAndLeavesTheGapAsItWas() {
    List<Seen> seen =
        watch(
            spec(2, WatchAction.RECORD),
            gold(1, 10, 0),
            gold(2, 10, 1),
            new Observation(3, 1, OptionalDouble.of(1), AWAY),
            new Observation(4, 1, OptionalDouble.of(1), null),
            gold(5, 10, 1));

    assertThat(seen.get(2).watch().gold()).isEqualTo(AWAY);
    assertThat(seen.get(2).watch().gap()).isNull();
    assertThat(seen.get(3).watch().gap()).isNull();
    assertThat(seen.stream().map(each -> each.next().monitor().gapOver()))
        .containsExactly(0, 1, 1, 1, 2);
    assertThat(seen.stream().map(each -> each.watch().alarms().size()))
        .containsExactly(0, 0, 0, 0, 1);
  }

  @Test
  void whatGoldHasNotSeenIsNotCalledGood() {
    List<Seen> seen =
        watch(
            spec(1, WatchAction.STOP),
            gold(1, 10, 0),
            new Observation(2, 0, OptionalDouble.of(1), null),
            gold(3, 10, 0.1),
            new Observation(4, 0, OptionalDouble.of(1), AWAY),
            gold(5, 10, 2));

    assertThat(seen.stream().map(each -> each.next().goodIteration()))
        .containsExactly(0, 0, 2, 2, 2);
    assertThat(seen.getLast().stopReason()).endsWith("; back to the weights after iteration 2");
  }

  @Test
  void untilGoldWasReadTheSpreadAloneSaysWhatIsGood() {
    List<Seen> seen =
        watch(
            spec(1, WatchAction.STOP),
            new Observation(1, 0, OptionalDouble.of(1), AWAY),
            new Observation(2, 0, OptionalDouble.of(1), AWAY),
            gold(3, 10, 0),
            new Observation(4, 0, OptionalDouble.of(1), AWAY));

    assertThat(seen.stream().map(each -> each.next().goodIteration())).containsExactly(0, 1, 2, 2);
  }

  @Test
  void withoutASpreadItIsGoldThatSaysWhatIsGood() {
    OptionalDouble none = OptionalDouble.empty();
    Measured first = new Measured(10, 2, 0, 0.5, 8, 0);
    Measured apart = new Measured(10, 2, 2, 0.5, 8, 0);
    List<Seen> seen =
        watch(
            spec(1, WatchAction.STOP),
            new Observation(1, 0, none, first),
            new Observation(2, 0, none, first),
            new Observation(3, 2, none, apart));

    assertThat(seen.stream().map(each -> each.next().goodIteration())).containsExactly(0, 1, 1);
    assertThat(seen.getLast().watch().alarms())
        .extracting(RunAlarm::alarm)
        .extracting(Alarm::kind)
        .containsExactly(AlarmKind.PROXY_GOLD_GAP);
  }

  @Test
  void whatToldNoSpreadIsNotCalledGoodOnceThereIsASpread() {
    List<Seen> seen =
        watch(
            spec(1, WatchAction.STOP),
            spread(1, 0.2),
            spread(2, 0.2),
            new Observation(3, 0, OptionalDouble.empty(), null));

    assertThat(seen.stream().map(each -> each.next().goodIteration())).containsExactly(0, 1, 1);
  }

  @Test
  void aRewardThatIsTheSameForAllHasNoScaleAndIsNoBeginning() {
    Measured allEqual = new Measured(0.3, 1e-17, 0, 0.5, 8, 0);
    List<Seen> seen =
        watch(
            spec(1, WatchAction.RECORD),
            new Observation(1, 0, OptionalDouble.of(1), allEqual),
            gold(2, 10, 0));

    assertThat(seen.getFirst().watch().gold()).isEqualTo(allEqual);
    assertThat(seen.getFirst().watch().gap()).isNull();
    assertThat(seen.getFirst().next().baseline()).isNull();
    assertThat(Objects.requireNonNull(seen.getLast().next().baseline()).iteration()).isEqualTo(2);
  }

  @Test
  void aLimitOfTheLargestSizeDoesNotOverflow() {
    WatchSpec spec =
        new WatchSpec(new SpreadLimit(Double.MAX_VALUE, true), 0, 1, WatchAction.RECORD, GOLD);
    Measured far = new Measured(-1e100, 1, 1e100, 1, 8, 0);
    List<Seen> seen =
        watch(
            spec,
            gold(1, 10, 0),
            new Observation(2, 1e100, OptionalDouble.of(Double.MAX_VALUE), far));

    assertThat(seen.getLast().watch().alarms())
        .extracting(RunAlarm::alarm)
        .extracting(Alarm::kind)
        .containsExactly(AlarmKind.PROXY_GOLD_GAP);
  }
}
