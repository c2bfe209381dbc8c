package io.ballast.loadtest.capacity;

import static io.ballast.loadtest.capacity.SimulationTest.figures;
import static io.ballast.loadtest.capacity.SimulationTest.rewardMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.capacity.CallFigures.CpuAt;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Replicas are as few as the objective lets them be. */
class PlannerTest {
  private static final CapacityFigures FIGURES =
      figures(
          Map.of(
              CallKind.SCORE, new CallFigures(CallKind.SCORE, 0, 1, List.of(rewardMillis(1, 10)))));
  private static final Demand HUNDRED = new Demand(Map.of(CallKind.SCORE, 100.0));
  private static final List<Pool> ONE_CORE = List.of(new Pool(Set.of(Server.REWARD_SERVER), 1, 1));

  private static Planner planner(CapacityFigures figures, Map<CallKind, Duration> p99) {
    return new Planner(
        figures, new Simulation(figures, Balancing.RANDOM, 20_000, 0), new Objective(p99), 1);
  }

  private static int replicas(Demand demand, Map<CallKind, Duration> p99) {
    return planner(FIGURES, p99).plan(demand, ONE_CORE).pools().getFirst().replicas();
  }

  @Test
  void withoutAnObjectiveCoresAreBusyForNineTenths() {
    // 100 calls of 10 ms keep one core busy: two replicas at a half; 1,000 take 12 at 0.83
    assertThat(replicas(HUNDRED, Map.of())).isEqualTo(2);
    assertThat(replicas(HUNDRED.times(10), Map.of())).isEqualTo(12);
  }

  @Test
  void oneReplicaLessDoesNotHold() {
    Map<CallKind, Duration> p99 = Map.of(CallKind.SCORE, Duration.ofMillis(90));
    Planner planner = planner(FIGURES, p99);
    Planner.Plan plan = planner.plan(HUNDRED.times(10), ONE_CORE);
    Pool enough = plan.pools().getFirst();

    assertThat(plan.load().of(CallKind.SCORE).p99()).isLessThanOrEqualTo(90);
    assertThat(enough.replicas()).isGreaterThan(replicas(HUNDRED.times(10), Map.of()));
    assertThat(planner.bears(HUNDRED.times(10), List.of(enough.of(enough.replicas() - 1))))
        .hasValueSatisfying(less -> assertThat(less.demand().of(CallKind.SCORE)).isLessThan(1_000));
  }

  @Test
  void whatReplicasBearGrowsWithThem() {
    Planner planner = planner(FIGURES, Map.of(CallKind.SCORE, Duration.ofMillis(90)));
    double ten = bears(planner, 10);

    // p99 of the sizes is e^(2.33 · 0.833 − 0.347) = 4.9 of their mean; 49 ms / (1 − ρ) = 90 ms
    assertThat(ten).isBetween(300.0, 500.0);
    assertThat(bears(planner, 100) / ten).isCloseTo(10, within(1.0));
    assertThat(bears(planner, 1_000) / ten).isBetween(98.0, 100.1);
  }

  @Test
  void aThousandReplicasAreBusyForNineTenthsToo() {
    // each does 100 calls of 10 ms a second
    assertThat(bears(planner(FIGURES, Map.of()), 1_000)).isBetween(83_000.0, 95_000.0);
  }

  private static double bears(Planner planner, int replicas) {
    return planner
        .bears(HUNDRED, List.of(ONE_CORE.getFirst().of(replicas)))
        .orElseThrow()
        .demand()
        .of(CallKind.SCORE);
  }

  @Test
  void whatNoNumberOfReplicasCanDoIsSaid() {
    assertThatThrownBy(() -> replicas(HUNDRED, Map.of(CallKind.SCORE, Duration.ofMillis(5))))
        .hasMessageMatching(
            "p99 of scores that are alone is \\d+ ms, over 5 ms: no number of replicas helps;"
                + " allow more, or let it do less");
  }

  /** Events of 1 ms of the policy-server and as much of the database. */
  private static CapacityFigures events() {
    Map<Server, Double> millis = Map.of(Server.POLICY_SERVER, 1.0, Server.DATABASE, 1.0);
    return figures(
        Map.of(
            CallKind.EVENT, new CallFigures(CallKind.EVENT, 0, 0, List.of(new CpuAt(1, millis)))));
  }

  @Test
  void aDatabaseWhoseQueueIsTooLongIsNamedBeforeReplicasAreTriedForEver() {
    // alone 2 ms; at 0.85 of its one core the database alone takes 1 / (1 − 0.85) ms on average
    Demand demand = new Demand(Map.of(CallKind.EVENT, 850.0));
    Planner planner = planner(events(), Map.of(CallKind.EVENT, Duration.ofMillis(8)));

    assertThatThrownBy(() -> planner.plan(demand, Pool.apart(1, 1)))
        .hasMessage(
            "the database is too slow for this: give it more cores, or split tenants over"
                + " databases");
  }

  @Test
  void aCallADayIsAloneToTheMillisecond() {
    Planner planner = planner(events(), Map.of(CallKind.EVENT, Duration.ofNanos(2_010_000)));

    assertThat(planner.plan(new Demand(Map.of(CallKind.EVENT, 1 / 86_400.0)), Pool.apart(1, 1)))
        .extracting(plan -> plan.load().of(CallKind.EVENT).p99())
        .satisfies(p99 -> assertThat(p99).isCloseTo(2, within(0.01)));
  }

  /** Scores of 10 ms, and beside them events of 2 ms. */
  private static CapacityFigures scoresAndEvents() {
    return figures(
        Map.of(
            CallKind.SCORE,
            new CallFigures(CallKind.SCORE, 0, 1, List.of(rewardMillis(1, 10))),
            CallKind.EVENT,
            events().of(CallKind.EVENT)));
  }

  @Test
  void whatIsTooRareToBeSeenIsNotSaidToHold() {
    Demand demand = new Demand(Map.of(CallKind.SCORE, 999.0, CallKind.EVENT, 1.0));
    Planner planner = planner(scoresAndEvents(), Map.of(CallKind.EVENT, Duration.ofMillis(8)));

    // 1 in 1,000 of 20,000 is 20, of which a fifth is warm-up
    assertThatThrownBy(() -> planner.plan(demand, Pool.apart(4, 4)))
        .hasMessageMatching(
            "events are too rare in this mix for their p99 to be known: \\d{1,2} were simulated,"
                + " and 500 are needed; simulate \\d+ times as many calls \\(--calls\\), or leave"
                + " their p99 out");
    assertThat(planner(scoresAndEvents(), Map.of()).plan(demand, Pool.apart(4, 4)).load().stable())
        .isTrue();
  }

  @Test
  void whatIsRareAndCanNeverHoldIsSaidToo() {
    Demand demand = new Demand(Map.of(CallKind.SCORE, 999.0, CallKind.EVENT, 1.0));
    Planner planner = planner(scoresAndEvents(), Map.of(CallKind.EVENT, Duration.ofMillis(1)));

    assertThatThrownBy(() -> planner.plan(demand, Pool.apart(4, 4)))
        .hasMessageStartingWith("p99 of events that are alone is 2 ms, over 1 ms");
  }

  @Test
  void aDatabaseThatIsTooSlowIsNamed() {
    CapacityFigures figures = events();
    Demand demand = new Demand(Map.of(CallKind.EVENT, 5_000.0));

    assertThatThrownBy(() -> planner(figures, Map.of()).plan(demand, Pool.apart(2, 4)))
        .hasMessage(
            "database: 5.0 cores of work a second for 4.0 cores (allowed: 90 % of them); give it"
                + " more cores, or split tenants over databases");
  }
}
