package io.ballast.inference.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.schedule.RowScheduler.Plan;
import io.ballast.kit.call.Lane;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Lanes in order, tenants in turn, never more than fits, and nobody waits for ever. */
class RowSchedulerTest {
  private static final long SECOND = 1_000_000_000L;

  private long now;

  private RowScheduler<String> scheduler(int rows, long bytes) {
    return new RowScheduler<>(
        new ScheduleLimits(rows, 1_000, bytes, Duration.ofSeconds(10), Duration.ofSeconds(30)),
        () -> now);
  }

  private static RowDemand demand(Lane lane, String tenant, long tokens, long bytes) {
    return new RowDemand(lane, tenant, tokens, bytes);
  }

  private static RowDemand of(Map<String, RowDemand> demands, String row) {
    return Objects.requireNonNull(demands.get(row));
  }

  private static RowDemand of(Lane lane) {
    return demand(lane, "", 10, 1);
  }

  private static List<String> begun(RowScheduler<String> scheduler) {
    return scheduler.next().begun();
  }

  @Test
  void lanesGoInTheirOrderWhateverTheArrival() {
    RowScheduler<String> scheduler = scheduler(2, 100);
    scheduler.submit("batch", of(Lane.BATCH));
    scheduler.submit("trainer", of(Lane.TRAINER));
    scheduler.submit("person", of(Lane.INTERACTIVE));
    assertThat(begun(scheduler)).containsExactly("person", "trainer");
    scheduler.ended("person", 10);
    assertThat(begun(scheduler)).containsExactly("batch");
    assertThat(scheduler.waiting()).isZero();
  }

  @Test
  void withinATenantRowsGoInTheOrderOfArrival() {
    RowScheduler<String> scheduler = scheduler(3, 100);
    List.of("a", "b", "c").forEach(row -> scheduler.submit(row, of(Lane.TRAINER)));
    assertThat(begun(scheduler)).containsExactly("a", "b", "c");
  }

  @Test
  void tenantsTakeTurnsHoweverManyRowsOneOfThemHas() {
    RowScheduler<String> scheduler = scheduler(4, 100);
    for (int i = 0; i < 6; i++) {
      scheduler.submit("many" + i, demand(Lane.TRAINER, "many", 10, 1));
    }
    scheduler.submit("few0", demand(Lane.TRAINER, "few", 10, 1));
    scheduler.submit("few1", demand(Lane.TRAINER, "few", 10, 1));
    assertThat(begun(scheduler)).containsExactly("many0", "few0", "many1", "few1");
  }

  @Test
  void aTenantOfLongRowsGetsFewerOfThem() {
    RowScheduler<String> scheduler = scheduler(5, 100);
    for (int i = 0; i < 4; i++) {
      scheduler.submit("long" + i, demand(Lane.TRAINER, "long", 30, 1));
      scheduler.submit("short" + i, demand(Lane.TRAINER, "short", 10, 1));
    }
    // long0 puts its tenant at 30; the other's first three rows come to as much, and long1 is older
    assertThat(begun(scheduler)).containsExactly("long0", "short0", "short1", "short2", "long1");
  }

  @Test
  void whatARowDidNotUseIsGivenBack() {
    RowScheduler<String> scheduler = scheduler(1, 100);
    scheduler.submit("a0", demand(Lane.TRAINER, "a", 100, 1));
    scheduler.submit("b0", demand(Lane.TRAINER, "b", 50, 1));
    scheduler.submit("a1", demand(Lane.TRAINER, "a", 100, 1));
    scheduler.submit("b1", demand(Lane.TRAINER, "b", 50, 1));
    assertThat(begun(scheduler)).containsExactly("a0");
    scheduler.ended("a0", 5); // a is at 5, not at 100
    assertThat(begun(scheduler)).containsExactly("b0");
    scheduler.ended("b0", 50);
    assertThat(begun(scheduler)).containsExactly("a1");
  }

  @Test
  void aTenantThatWasAwayHasSavedNothingUp() {
    RowScheduler<String> scheduler = scheduler(1, 100);
    scheduler.submit("b0", demand(Lane.TRAINER, "b", 10, 1));
    assertThat(begun(scheduler)).containsExactly("b0");
    scheduler.ended("b0", 10);
    for (int i = 0; i < 50; i++) {
      scheduler.submit("a" + i, demand(Lane.TRAINER, "a", 10, 1));
    }
    for (int i = 0; i < 40; i++) {
      assertThat(begun(scheduler)).containsExactly("a" + i);
      scheduler.ended("a" + i, 10);
    }
    for (int i = 1; i < 6; i++) {
      scheduler.submit("b" + i, demand(Lane.TRAINER, "b", 10, 1));
    }
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      String row = begun(scheduler).getFirst();
      order.add(row);
      scheduler.ended(row, 10);
    }
    assertThat(order).filteredOn(row -> row.startsWith("b")).hasSizeBetween(2, 4);
  }

  @Test
  void aRowBeginsOnlyWhenItsWorstCaseFits() {
    RowScheduler<String> scheduler = scheduler(10, 100);
    scheduler.submit("a", demand(Lane.TRAINER, "", 1, 60));
    scheduler.submit("b", demand(Lane.TRAINER, "", 1, 60));
    scheduler.submit("small", demand(Lane.TRAINER, "", 1, 10));
    // nobody overtakes b, or b might never begin
    assertThat(begun(scheduler)).containsExactly("a");
    assertThat(scheduler.reservedBytes()).isEqualTo(60);
    scheduler.ended("a", 1);
    assertThat(begun(scheduler)).containsExactly("b", "small");
    assertThatThrownBy(() -> scheduler.submit("huge", demand(Lane.TRAINER, "", 1, 101)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("demand: 101 bytes (expected: at most 100)");
  }

  @Test
  void aPersonTakesTheRoomOfTheYoungestBatchRows() {
    RowScheduler<String> scheduler = scheduler(3, 100);
    scheduler.submit("trainer", demand(Lane.TRAINER, "", 1, 10));
    scheduler.submit("old", demand(Lane.BATCH, "", 1, 40));
    scheduler.submit("young", demand(Lane.BATCH, "", 1, 40));
    assertThat(begun(scheduler)).containsExactly("trainer", "old", "young");
    scheduler.submit("person", demand(Lane.INTERACTIVE, "", 1, 30));
    Plan<String> plan = scheduler.next();
    assertThat(plan.preempted()).containsExactly("young");
    assertThat(plan.begun()).containsExactly("person");
    assertThat(scheduler.preemptions()).isEqualTo(1);
    assertThat(scheduler.waiting(Lane.BATCH)).isEqualTo(1);
    scheduler.ended("person", 1);
    assertThat(scheduler.next()).isEqualTo(new Plan<>(List.of(), List.of("young")));
  }

  @Test
  void preemptedRowsResumeEldestFirst() {
    RowScheduler<String> scheduler = scheduler(3, 100);
    List.of("a", "b", "c").forEach(r -> scheduler.submit(r, demand(Lane.BATCH, "", 1, 30)));
    assertThat(begun(scheduler)).hasSize(3);
    scheduler.submit("person", demand(Lane.INTERACTIVE, "", 1, 70));
    assertThat(scheduler.next().preempted()).containsExactly("c", "b");
    scheduler.ended("person", 1);
    assertThat(begun(scheduler)).containsExactly("b", "c");
  }

  @Test
  void nobodyGivesWayInVain() {
    RowScheduler<String> scheduler = scheduler(2, 100);
    scheduler.submit("trainer", demand(Lane.TRAINER, "", 1, 60));
    scheduler.submit("batch", demand(Lane.BATCH, "", 1, 40));
    assertThat(begun(scheduler)).hasSize(2);
    scheduler.submit("person", demand(Lane.INTERACTIVE, "", 1, 50));
    assertThat(scheduler.next()).isEqualTo(new Plan<>(List.of(), List.of()));
  }

  @Test
  void aTrainerTakesNobodysRoom() {
    RowScheduler<String> scheduler = scheduler(1, 100);
    scheduler.submit("batch", of(Lane.BATCH));
    assertThat(begun(scheduler)).containsExactly("batch");
    scheduler.submit("trainer", of(Lane.TRAINER));
    assertThat(scheduler.next()).isEqualTo(new Plan<>(List.of(), List.of()));
  }

  @Test
  void anOverdueBatchRowGoesBeforePeopleAndKeepsItsPlace() {
    RowScheduler<String> scheduler = scheduler(1, 100);
    scheduler.submit("batch", of(Lane.BATCH));
    for (int i = 0; i < 3; i++) {
      scheduler.submit("person" + i, of(Lane.INTERACTIVE));
    }
    assertThat(begun(scheduler)).containsExactly("person0");
    scheduler.ended("person0", 1);
    now += 29 * SECOND;
    assertThat(begun(scheduler)).containsExactly("person1");
    scheduler.ended("person1", 1);
    now += 2 * SECOND;
    assertThat(begun(scheduler)).containsExactly("batch");
    assertThat(scheduler.next()).isEqualTo(new Plan<>(List.of(), List.of())); // person2 waits
    scheduler.ended("batch", 1);
    assertThat(begun(scheduler)).containsExactly("person2");
  }

  @Test
  void overdueRowsHoldAnEighthOfThePlacesAtMost() {
    RowScheduler<String> scheduler = scheduler(16, 100);
    for (int i = 0; i < 40; i++) {
      scheduler.submit("batch" + i, of(Lane.BATCH));
    }
    now += 60 * SECOND;
    for (int i = 0; i < 40; i++) {
      scheduler.submit("person" + i, of(Lane.INTERACTIVE));
    }
    assertThat(begun(scheduler)).hasSize(16).filteredOn(r -> r.startsWith("batch")).hasSize(2);
  }

  @Test
  void aFullQueueAcceptsNoMore() {
    RowScheduler<String> scheduler =
        new RowScheduler<>(
            new ScheduleLimits(2, 1, 100, Duration.ofSeconds(1), Duration.ofSeconds(1)), () -> now);
    assertThat(scheduler.accepts(3)).isTrue();
    assertThat(scheduler.accepts(4)).isFalse();
    for (int i = 0; i < 3; i++) {
      scheduler.submit("row" + i, of(Lane.INTERACTIVE));
    }
    assertThat(scheduler.accepts(1)).isFalse();
    assertThat(begun(scheduler)).hasSize(2);
    assertThat(scheduler.accepts(1)).isFalse();
    scheduler.ended("row0", 1);
    assertThat(scheduler.accepts(1)).isTrue();
  }

  @Test
  void theWaitIsThatOfTheRowsAheadAtThePaceOfThoseThatEnded() {
    RowScheduler<String> scheduler = scheduler(2, 100);
    assertThat(scheduler.expectedWait(of(Lane.TRAINER))).isZero();
    List.of("a", "b", "c", "d").forEach(row -> scheduler.submit(row, of(Lane.TRAINER)));
    assertThat(begun(scheduler)).containsExactly("a", "b");
    assertThat(scheduler.expectedWait(of(Lane.TRAINER))).as("none has ended").isZero();
    now += 4 * SECOND;
    scheduler.ended("a", 10);
    assertThat(begun(scheduler)).containsExactly("c");

    // two places, 4 s each, one row ahead: the second to end makes room
    assertThat(scheduler.expectedWait(of(Lane.TRAINER))).isEqualTo(4 * SECOND);
    assertThat(scheduler.expectedWait(of(Lane.INTERACTIVE))).isEqualTo(2 * SECOND);
    scheduler.submit("e", of(Lane.BATCH));
    assertThat(scheduler.expectedWait(of(Lane.TRAINER))).isEqualTo(4 * SECOND);
    assertThat(scheduler.expectedWait(of(Lane.BATCH))).isEqualTo(6 * SECOND);
  }

  @Test
  void whereThereIsRoomOrAPlaceToTakeNobodyWaits() {
    RowScheduler<String> scheduler = scheduler(2, 100);
    scheduler.submit("a", of(Lane.BATCH));
    assertThat(begun(scheduler)).containsExactly("a");
    now += SECOND;
    scheduler.ended("a", 10);
    List.of("b", "c", "d").forEach(row -> scheduler.submit(row, of(Lane.BATCH)));
    assertThat(begun(scheduler)).containsExactly("b", "c");

    assertThat(scheduler.expectedWait(of(Lane.BATCH))).isEqualTo(SECOND);
    assertThat(scheduler.expectedWait(of(Lane.INTERACTIVE))).isZero();
    scheduler.ended("b", 10);
    scheduler.ended("c", 10);
    assertThat(scheduler.expectedWait(demand(Lane.BATCH, "", 10, 1))).isZero();
  }

  @Test
  void waitingRowsCanLeave() {
    RowScheduler<String> scheduler = scheduler(1, 100);
    List.of("a", "b", "c").forEach(row -> scheduler.submit(row, of(Lane.BATCH)));
    scheduler.submit("d", of(Lane.TRAINER));
    assertThat(scheduler.removeWaiting(row -> !row.equals("b"))).containsExactly("a", "c", "d");
    assertThat(begun(scheduler)).containsExactly("b");
    scheduler.ended("stranger", 5); // does nothing
    assertThat(scheduler.running()).isEqualTo(1);
  }

  @Test
  void whateverHappensTheLimitsHoldAndEveryRowIsServedOnce() {
    for (long seed = 0; seed < 40; seed++) {
      randomSchedule(seed);
    }
  }

  private void randomSchedule(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int maxRows = random.nextInt(1, 12);
    long maxBytes = random.nextInt(20, 100);
    RowScheduler<String> scheduler = scheduler(maxRows, maxBytes);
    Map<String, RowDemand> demands = new HashMap<>();
    Map<String, Integer> left = new HashMap<>();
    Set<String> runningNow = new HashSet<>();
    Set<String> done = new HashSet<>();
    int submitted = 0;
    while (done.size() < 300) {
      now += random.nextLong(SECOND);
      if (submitted < 300 && random.nextInt(3) > 0) {
        String row = "row" + submitted++;
        RowDemand demand =
            demand(
                Lane.values()[random.nextInt(3)],
                "tenant" + random.nextInt(4),
                random.nextInt(1, 40),
                random.nextInt(1, 20));
        demands.put(row, demand);
        left.put(row, random.nextInt(1, 6));
        scheduler.submit(row, demand);
      }
      Plan<String> plan = scheduler.next();
      for (String row : plan.preempted()) {
        assertThat(of(demands, row).lane()).isEqualTo(Lane.BATCH);
        assertThat(runningNow.remove(row)).isTrue();
      }
      for (String row : plan.begun()) {
        assertThat(runningNow.add(row)).isTrue();
        assertThat(done).doesNotContain(row);
      }
      long bytes = runningNow.stream().mapToLong(row -> of(demands, row).bytes()).sum();
      assertThat(scheduler.reservedBytes()).isEqualTo(bytes).isLessThanOrEqualTo(maxBytes);
      assertThat(scheduler.running()).isEqualTo(runningNow.size()).isLessThanOrEqualTo(maxRows);
      for (String row : List.copyOf(runningNow)) {
        if (left.merge(row, -1, Integer::sum) == 0) {
          runningNow.remove(row);
          done.add(row);
          scheduler.ended(row, random.nextLong(of(demands, row).tokens() + 1));
        }
      }
      assertThat(scheduler.waiting()).isEqualTo(submitted - done.size() - runningNow.size());
    }
  }
}
