package io.ballast.rl.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ballast.rl.stats.OveroptimisationMonitor.Observed;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** A reward that is no longer to be believed. */
class OveroptimisationMonitorTest {
  @Test
  void spreadAndGapPassTheirLimits() {
    // limits: spread 1.5·.5 = .75; gap 1, measured from 0 − (−.25) = .25
    OveroptimisationMonitor monitor =
        OveroptimisationMonitor.watching(1.5, 1, 1).observe(vitals(0, -.25, .5)).next();
    assertThat(monitor.observe(vitals(2, .75, .75)).alarms()).isEmpty(); // gap 1.25 − .25 = 1
    assertThat(monitor.observe(vitals(2, .5, .8)).alarms())
        .containsExactly(
            new Alarm(AlarmKind.SPREAD_GREW, .8, .75),
            new Alarm(AlarmKind.PROXY_GOLD_GAP, 1.25, 1));
  }

  @Test
  void theFirstObservationRaisesNothing() {
    assertThat(OveroptimisationMonitor.watching(1, 0, 1).observe(vitals(9, -9, 9)).alarms())
        .isEmpty();
  }

  @Test
  void patienceCountsObservationsInARow() {
    OveroptimisationMonitor monitor = OveroptimisationMonitor.watching(2, 1, 2);
    Observed first = monitor.observe(vitals(0, 0, 1));
    Observed second = first.next().observe(vitals(2, 0, 3));
    assertThat(second.alarms()).isEmpty();
    // both back within: the count begins anew
    Observed third = second.next().observe(vitals(1, 0, 2));
    Observed fourth = third.next().observe(vitals(2, 0, 3));
    assertThat(fourth.alarms()).isEmpty();
    assertThat(fourth.next().observe(vitals(3, 0, 4)).alarms())
        .containsExactly(
            new Alarm(AlarmKind.SPREAD_GREW, 4, 2), new Alarm(AlarmKind.PROXY_GOLD_GAP, 3, 1));
  }

  @Test
  void iterationsWithoutGoldNeitherBreachNorClear() {
    OveroptimisationMonitor monitor = OveroptimisationMonitor.watching(9, 1, 2);
    Observed unmeasured =
        monitor.observe(new RewardVitals(5, OptionalDouble.empty(), OptionalDouble.of(1)));
    // gold is first seen here: its gap of 5 is where it is measured from
    Observed first = unmeasured.next().observe(vitals(6, 1, 1));
    Observed over = first.next().observe(vitals(9, 1, 1));
    Observed between =
        over.next().observe(new RewardVitals(0, OptionalDouble.empty(), OptionalDouble.of(1)));
    assertThat(between.next().gapOver()).isEqualTo(1);
    assertThat(between.next().observe(vitals(9, 1, 1)).alarms())
        .isEqualTo(List.of(new Alarm(AlarmKind.PROXY_GOLD_GAP, 3, 1)));
  }

  @Test
  void iterationsWithoutASpreadNeitherBreachNorClear() {
    OveroptimisationMonitor monitor = OveroptimisationMonitor.watching(2, 9, 2);
    RewardVitals without = new RewardVitals(0, OptionalDouble.empty(), OptionalDouble.empty());
    Observed unmeasured = monitor.observe(without);
    assertThat(unmeasured.next()).isEqualTo(monitor);
    // the spread is first seen here: 1 is what it grows from
    Observed over = unmeasured.next().observe(vitals(0, 0, 1)).next().observe(vitals(0, 0, 3));
    Observed between = over.next().observe(without);
    assertThat(between.alarms()).isEmpty();
    assertThat(between.next()).isEqualTo(over.next());
    assertThat(between.next().observe(vitals(0, 0, 3)).alarms())
        .containsExactly(new Alarm(AlarmKind.SPREAD_GREW, 3, 2));
  }

  @Test
  void membersThatAgreedOutrightOutgrowThatAtOnce() {
    OveroptimisationMonitor monitor =
        OveroptimisationMonitor.watching(3, 1, 1).observe(vitals(0, 0, 0)).next();
    assertThat(monitor.observe(vitals(0, 0, .01)).alarms())
        .containsExactly(new Alarm(AlarmKind.SPREAD_GREW, .01, 0));
  }

  @Test
  void goldThatRisesMoreThanTheProxyIsNoAlarm() {
    OveroptimisationMonitor monitor =
        OveroptimisationMonitor.watching(3, .1, 1).observe(vitals(0, 0, 1)).next();
    assertThat(monitor.observe(vitals(1, 5, 1)).alarms()).isEmpty();
  }

  @Test
  void theStateIsTheRecord() {
    OveroptimisationMonitor seen =
        OveroptimisationMonitor.watching(2, 1, 3).observe(vitals(1, 0, .5)).next();
    OveroptimisationMonitor restored =
        new OveroptimisationMonitor(
            seen.maxSpreadGrowth(),
            seen.maxGap(),
            seen.patience(),
            seen.firstSpread(),
            seen.firstGap(),
            seen.spreadOver(),
            seen.gapOver());
    assertThat(restored.observe(vitals(4, 0, 2))).isEqualTo(seen.observe(vitals(4, 0, 2)));
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OveroptimisationMonitor.watching(.9, 1, 1))
        .withMessageStartingWith("maxSpreadGrowth: 0.9");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OveroptimisationMonitor.watching(1, -1, 1))
        .withMessageStartingWith("maxGap: -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OveroptimisationMonitor.watching(1, 1, 0))
        .withMessageStartingWith("patience: 0");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new RewardVitals(0, OptionalDouble.of(Double.NaN), OptionalDouble.empty()))
        .withMessage("gold: NaN (expected: finite)");
  }

  private static RewardVitals vitals(double proxy, double gold, double spread) {
    return new RewardVitals(proxy, OptionalDouble.of(gold), OptionalDouble.of(spread));
  }
}
