package io.ballast.safety.core.gatefit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.ballast.inference.api.PerToken;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateScores;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gatefit.LoggedSuggestion.Gating;
import io.ballast.safety.core.gatefit.LoggedSuggestion.Said;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A watch sees what no longer comes true, and says how long it has seen nothing. */
class DriftWatchTest {
  private static final Instant MONDAY = Instant.parse("2026-11-23T00:00:00Z");

  private final List<LoggedSuggestion> log = new ArrayList<>();
  private final List<Instant> asked = new ArrayList<>();
  private boolean away;
  private Instant now = MONDAY.plusSeconds(3_600);
  private final DriftWatch watch = watch(Duration.ofHours(1));

  private DriftWatch watch(Duration interval) {
    return new DriftWatch(
        (since, sink) -> {
          asked.add(since);
          if (away) {
            throw new MeshException(Fault.DEPENDENCY_DOWN, "policy-server: away");
          }
          log.stream().filter(each -> !each.decided().isBefore(since)).forEach(sink);
        },
        new DriftSettings(interval, Duration.ofDays(28), 0.05),
        () -> now);
  }

  @Test
  void aWeekThatNoLongerComesTrueIsCountedOnceItIsOver() {
    fill("calm", MONDAY.minus(Duration.ofDays(3)), 0.4, 0.4);
    fill("changed", MONDAY.plus(Duration.ofDays(3)), 0.8, 0.2);
    assertThat(watch.alarms()).isNaN();

    assertThat(watch.look().keySet())
        .containsExactly(day("2026-11-02"), day("2026-11-09"), day("2026-11-16"));
    assertThat(watch.alarms()).isZero();
    assertThat(watch.look()).as("looked at once").isEmpty();

    now = MONDAY.plus(Duration.ofDays(7));
    Map<LocalDate, GateDrift> looked = watch.look();

    assertThat(watch.alarms()).isEqualTo(1);
    assertThat(looked.keySet()).containsExactly(day("2026-11-23"));
    assertThat(looked.values().iterator().next().cells().stream().filter(GateDrift.Cell::alarm))
        .extracting(GateDrift.Cell::tenant, GateDrift.Cell::week)
        .containsExactly(tuple("changed", "2026-W48"));
    assertThat(asked).containsExactly(MONDAY.minus(Duration.ofDays(21)), MONDAY);

    now = MONDAY.plus(Duration.ofDays(36));
    var later = watch.look();
    assertThat(watch.alarms()).as("older than the window").isZero();
  }

  @Test
  void whatNobodySawOrAnsweredSaysNothing() {
    Instant before = MONDAY.minusSeconds(1);
    log.add(decision("quiet", "ada", before, 0.9, Optional.empty(), true));
    log.add(decision("quiet", "ada", before, 0.9, Optional.of(false), false));

    assertThat(watch.look().values()).allMatch(drift -> drift.cells().isEmpty());
    assertThat(watch.alarms()).isZero();
  }

  @Test
  void aLogThatCannotBeReadIsLookedAtAgainAndItsAgeGrows() {
    fill("changed", MONDAY.minus(Duration.ofDays(3)), 0.8, 0.2);
    away = true;
    now = now.plusSeconds(5_400);

    assertThatThrownBy(watch::look).hasMessage("policy-server: away");
    assertThat(watch.alarms()).isNaN();
    assertThat(watch.unreadSeconds()).isEqualTo(5_400);

    away = false;
    assertThat(watch.look()).hasSize(3);
    assertThat(watch.alarms()).isEqualTo(1);
    assertThat(watch.unreadSeconds()).isZero();
  }

  @Test
  void oneThatIsNotSetToWatchAsksNobody() {
    try (DriftWatch off = watch(Duration.ZERO)) {
      off.start();
      assertThat(off.unreadSeconds()).isNaN();
    }
    assertThat(asked).isEmpty();
  }

  private static LocalDate day(String text) {
    return LocalDate.parse(text);
  }

  /** Two hundred users of a tenant whose suggestions are kept with a probability. */
  private void fill(String tenant, Instant decided, double said, double kept) {
    SplittableRandom random = new SplittableRandom(7);
    for (int user = 0; user < 200; user++) {
      for (int i = 0; i < 3; i++) {
        log.add(
            decision(
                tenant,
                "user-" + user,
                decided,
                said,
                Optional.of(random.nextDouble() < kept),
                true));
      }
    }
  }

  private static LoggedSuggestion decision(
      String tenant,
      String user,
      Instant decided,
      double said,
      Optional<Boolean> kept,
      boolean shown) {
    return new LoggedSuggestion(
        tenant,
        user,
        GateContext.of("int a = "),
        Optional.of(
            new GateSuggestion(
                "b;",
                PerToken.of(-1f),
                Optional.empty(),
                new GateScores(
                    OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty()))),
        shown,
        kept,
        1,
        decided,
        new Said(OptionalDouble.empty(), OptionalDouble.of(said), false, Gating.ENFORCED));
  }
}
