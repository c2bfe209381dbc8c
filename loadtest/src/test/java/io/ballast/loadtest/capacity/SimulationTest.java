package io.ballast.loadtest.capacity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.ballast.loadtest.capacity.CallFigures.CpuAt;
import io.ballast.loadtest.capacity.CapacityFigures.Footprint;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The simulation agrees with what queueing theory knows in closed form. */
class SimulationTest {
  private static final long CALLS = 100_000;

  /** Calls of Score that take 10 ms of a reward-server's processor, and nothing else. */
  private static CapacityFigures scores(double variation, CpuAt... cpu) {
    return figures(
        Map.of(CallKind.SCORE, new CallFigures(CallKind.SCORE, 0, variation, List.of(cpu))));
  }

  /** Suggestions that are all alike. */
  private static CapacityFigures suggestions(double seldomMillis, Map<Server, Double> millis) {
    CpuAt cpu = new CpuAt(1, millis);
    return figures(
        Map.of(
            CallKind.SUGGESTION,
            new CallFigures(CallKind.SUGGESTION, seldomMillis, 0, List.of(cpu))));
  }

  static CapacityFigures figures(Map<CallKind, CallFigures> given) {
    Map<CallKind, CallFigures> all = new EnumMap<>(CallKind.class);
    Arrays.stream(CallKind.values())
        .forEach(
            call -> all.put(call, new CallFigures(call, 0, 0, List.of(new CpuAt(1, Map.of())))));
    all.putAll(given);
    return new CapacityFigures(
        "a machine",
        "a commit",
        List.copyOf(all.values()),
        new Footprint(Map.of(), 0, 0, 0, 0, Map.of(), 0));
  }

  static CpuAt rewardMillis(int inFlight, double millis) {
    return new CpuAt(inFlight, Map.of(Server.REWARD_SERVER, millis));
  }

  private static Demand scoresPerSecond(double rate) {
    return new Demand(Map.of(CallKind.SCORE, rate));
  }

  private static List<Pool> rewardServers(double cores, int replicas) {
    return List.of(new Pool(Set.of(Server.REWARD_SERVER), cores, replicas));
  }

  private static SimulatedLoad run(
      CapacityFigures figures, Demand demand, List<Pool> pools, Balancing balancing) {
    return new Simulation(figures, balancing, CALLS, 0)
        .run(demand, pools, RandomGeneratorFactory.of("L64X128MixRandom").create(7));
  }

  private static SimulatedLoad.Times scoresOf(SimulatedLoad load) {
    assertThat(load.stable()).isTrue();
    return load.of(CallKind.SCORE);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, 3})
  void oneCoreSharedTakesOneOverOneLessTheLoadWhateverTheSizes(double variation) {
    // M/G/1 with processor sharing: mean = s / (1 − ρ) = 10 ms / (1 − 0.5), for any spread of s
    SimulatedLoad load =
        run(
            scores(variation, rewardMillis(1, 10)),
            scoresPerSecond(50),
            rewardServers(1, 1),
            Balancing.RANDOM);

    assertThat(scoresOf(load).mean()).isCloseTo(20, within(1.0));
    assertThat(load.utilisation().values())
        .allSatisfy(busy -> assertThat(busy).isCloseTo(0.5, within(0.01)));
  }

  @Test
  void fourCoresTakeWhatErlangsFormulaSays() {
    // M/M/4 at ρ = 0.6: C(4, 2.4) = 3.456 / (8.584 + 3.456) = 0.287; mean = s + C·s / (4·(1 − ρ)).
    // Sizes here have the mean and the variation of exponential ones; that they are log-normal
    // matters to four shared cores as little as to one
    SimulatedLoad load =
        run(
            scores(1, rewardMillis(1, 10)),
            scoresPerSecond(240),
            rewardServers(4, 1),
            Balancing.RANDOM);

    assertThat(scoresOf(load).mean()).isCloseTo(10 + 2.87 / 1.6, within(0.3));
  }

  @Test
  void randomReplicasAreAsManyQueuesOfOne() {
    // calls that go to any of ten: ten Poisson processes of a tenth, each M/G/1 at ρ = 0.6
    SimulatedLoad load =
        run(
            scores(1, rewardMillis(1, 10)),
            scoresPerSecond(600),
            rewardServers(1, 10),
            Balancing.RANDOM);

    assertThat(scoresOf(load).mean()).isCloseTo(10 / 0.4, within(1.0));
  }

  @Test
  void aThousandReplicasAreAsManyQueuesOfOne() {
    SimulatedLoad load =
        run(
            scores(1, rewardMillis(1, 10)),
            scoresPerSecond(60_000),
            rewardServers(1, 1_000),
            Balancing.RANDOM);

    assertThat(scoresOf(load).count()).as("a fifth warms up").isEqualTo(CALLS * 4 / 5);
    assertThat(scoresOf(load).mean()).isCloseTo(10 / 0.4, within(1.5));
    assertThat(load.utilisation().values())
        .allSatisfy(busy -> assertThat(busy).isCloseTo(0.6, within(0.02)));
  }

  @Test
  void theOneDatabaseOfManyReplicasGetsAllTheirCalls() {
    // 6,000 events/s: 200 policy-servers are busy for 0.03, the database for 0.6, both shared
    Map<Server, Double> millis = Map.of(Server.POLICY_SERVER, 1.0, Server.DATABASE, 0.1);
    CapacityFigures figures =
        figures(
            Map.of(
                CallKind.EVENT,
                new CallFigures(CallKind.EVENT, 0, 0, List.of(new CpuAt(1, millis)))));
    Pool database = new Pool(Set.of(Server.DATABASE), 1, 1);
    SimulatedLoad load =
        run(
            figures,
            new Demand(Map.of(CallKind.EVENT, 6_000.0)),
            List.of(new Pool(Set.of(Server.POLICY_SERVER), 1, 200), database),
            Balancing.RANDOM);

    assertThat(load.of(CallKind.EVENT).mean()).isCloseTo(1 / 0.97 + 0.1 / 0.4, within(0.03));
    assertThat(load.utilisation().getOrDefault(database, Double.NaN)).isCloseTo(0.6, within(0.02));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 100, 1_000})
  void whatIsAskedForMoreThanItDoesIsNotStable(int replicas) {
    CapacityFigures figures = scores(1, rewardMillis(1, 10));
    List<Pool> pools = rewardServers(1, replicas);
    SimulatedLoad most = run(figures, scoresPerSecond(95 * replicas), pools, Balancing.RANDOM);
    SimulatedLoad over = run(figures, scoresPerSecond(120 * replicas), pools, Balancing.RANDOM);

    assertThat(most.stable()).isTrue();
    assertThat(most.utilisation().values())
        .allSatisfy(busy -> assertThat(busy).isCloseTo(0.95, within(0.02)));
    assertThat(over.stable()).isFalse();
    assertThat(over.calls()).isEmpty();
    assertThat(over.utilisation().values()).containsExactly(1.0);
  }

  @Test
  void turnsWaitLessThanChance() {
    CapacityFigures figures = scores(1, rewardMillis(1, 10));
    SimulatedLoad chance =
        run(figures, scoresPerSecond(600), rewardServers(1, 10), Balancing.RANDOM);
    SimulatedLoad turns =
        run(figures, scoresPerSecond(600), rewardServers(1, 10), Balancing.ROUND_ROBIN);

    assertThat(scoresOf(turns).mean()).isLessThan(scoresOf(chance).mean());
  }

  @Test
  void whatABatchSavesIsSaved() {
    // twice the calls that one core could do one by one; two and more at a time cost a third each
    CapacityFigures figures = scores(0.5, rewardMillis(1, 10), rewardMillis(2, 10.0 / 3));

    assertThat(
            run(
                    scores(0.5, rewardMillis(1, 10)),
                    scoresPerSecond(200),
                    rewardServers(1, 1),
                    Balancing.RANDOM)
                .stable())
        .isFalse();
    assertThat(run(figures, scoresPerSecond(200), rewardServers(1, 1), Balancing.RANDOM).stable())
        .isTrue();
  }

  @Test
  void aBatchSavesCoresAndMakesNobodyQuicker() {
    // 400 calls/s of 10 ms alone; two and more at a time cost the half: two of four cores are busy
    SimulatedLoad load =
        run(
            scores(0, rewardMillis(1, 10), rewardMillis(2, 5)),
            scoresPerSecond(400),
            rewardServers(4, 1),
            Balancing.RANDOM);

    assertThat(scoresOf(load).p50()).isCloseTo(10, within(0.05));
    assertThat(load.utilisation().values())
        .allSatisfy(busy -> assertThat(busy).isCloseTo(0.51, within(0.02)));
  }

  @Test
  void aCallThatIsAloneTakesItsStagesOneAfterTheOther() {
    // policy 20, then the slower of reward 5 and safety 8, then database 1, and 2 ms of waiting
    Map<Server, Double> millis =
        Map.of(
            Server.POLICY_SERVER, 20.0,
            Server.REWARD_SERVER, 5.0,
            Server.SAFETY_SERVER, 8.0,
            Server.DATABASE, 1.0);
    CapacityFigures figures = suggestions(31, millis);

    SimulatedLoad load =
        run(
            figures,
            new Demand(Map.of(CallKind.SUGGESTION, 0.001)),
            Pool.apart(1, 1),
            Balancing.RANDOM);

    assertThat(load.of(CallKind.SUGGESTION).p99()).isCloseTo(31, within(0.05));
    assertThat(load.of(CallKind.SUGGESTION).p50()).isCloseTo(31, within(0.05));
  }

  @Test
  void aCallThatIsAloneTakesTimesThatAreSpreadAsThoseMeasured() {
    // log-normal of mean 10 + 30 ms, σ = √ln(1 + 0.5²): median 40/√1.25, p99 e^(2.326 σ) times that
    CapacityFigures figures =
        figures(
            Map.of(
                CallKind.SCORE,
                new CallFigures(CallKind.SCORE, 40, 0.5, List.of(rewardMillis(1, 10)))));

    SimulatedLoad.Times times =
        scoresOf(run(figures, scoresPerSecond(0.01), rewardServers(1, 1), Balancing.RANDOM));

    assertThat(times.p50()).isCloseTo(35.78, within(0.4));
    assertThat(times.p99()).isCloseTo(107.4, within(3.0));
  }

  @ParameterizedTest
  @CsvSource({"1, 0.3, 0.3", "1, 0.8, 0.8", "2, 0.5, 0.33333", "2, 0.8, 0.71111"})
  void aThreadThatWakesWaitsForTheRestOfATurn(int cores, double busy, double allBusy) {
    // of calls that come by chance, ρ find one core busy, and 2ρ² / (1 + ρ) two: half a turn for
    // each thread
    CapacityFigures figures = scores(1, rewardMillis(1, 10));
    Demand demand = scoresPerSecond(100 * cores * busy);
    List<Pool> pools = rewardServers(cores, 1);
    double turnMillis = 4;

    SimulatedLoad.Times shared = scoresOf(run(figures, demand, pools, Balancing.RANDOM));
    SimulatedLoad.Times inTurns = scoresOf(inTurns(figures, demand, pools, turnMillis));

    double expected = Simulation.THREADS_OF_A_VISIT * turnMillis / 2 * allBusy;
    assertThat(inTurns.mean() - shared.mean()).isCloseTo(expected, withinPercentage(3));
  }

  @Test
  void aCallWaitsForNoTurnOfItsOwn() {
    // policy 20, then reward 5 and safety 8 on the one core
    Map<Server, Double> millis =
        Map.of(
            Server.POLICY_SERVER, 20.0,
            Server.REWARD_SERVER, 5.0,
            Server.SAFETY_SERVER, 8.0);
    CapacityFigures figures = suggestions(0, millis);

    SimulatedLoad load =
        inTurns(
            figures,
            new Demand(Map.of(CallKind.SUGGESTION, 0.001)),
            Pool.oneMachine(1),
            Simulation.TURN_MILLIS);

    assertThat(load.of(CallKind.SUGGESTION).p99()).isCloseTo(33, within(0.05));
  }

  @Test
  void ofVisitsAtTheSameTimeTheLongerWaitCounts() {
    // the core is busy for 0.6 of those who come to it, and for about as many who go on: half of
    // three turns at the first stage, and at the second the longer of two such sums, which is about
    // 3/2 + 1/2 · 1/√π turns in the mean, as if they were normal
    Map<Server, Double> millis =
        Map.of(
            Server.POLICY_SERVER, 10.0,
            Server.REWARD_SERVER, 10.0,
            Server.SAFETY_SERVER, 10.0);
    CapacityFigures figures =
        figures(
            Map.of(
                CallKind.SUGGESTION,
                new CallFigures(CallKind.SUGGESTION, 0, 1, List.of(new CpuAt(1, millis))),
                CallKind.SCORE,
                new CallFigures(CallKind.SCORE, 0, 1, List.of(rewardMillis(1, 10)))));
    Demand demand = new Demand(Map.of(CallKind.SUGGESTION, 10.0, CallKind.SCORE, 30.0));
    List<Pool> pools = Pool.oneMachine(1);
    double turnMillis = 4;

    double shared = run(figures, demand, pools, Balancing.RANDOM).of(CallKind.SUGGESTION).mean();
    double inTurns = inTurns(figures, demand, pools, turnMillis).of(CallKind.SUGGESTION).mean();

    assertThat(inTurns - shared)
        .isCloseTo(0.6 * turnMillis * (1.5 + 1.5 + 0.5 / Math.sqrt(Math.PI)), withinPercentage(5));
  }

  private static SimulatedLoad inTurns(
      CapacityFigures figures, Demand demand, List<Pool> pools, double turnMillis) {
    return new Simulation(figures, Balancing.RANDOM, CALLS, turnMillis)
        .run(demand, pools, RandomGeneratorFactory.of("L64X128MixRandom").create(7));
  }

  @Test
  void aCallSavesByCompanyOfItsOwnKind() {
    // one core, ρ = 0.6, and of 3 scores at a time each costs half; suggestions save nothing. Of
    // scores alone 1, 2, 3 … cost 1, 0.75, 0.5 each, so that they leave at 1, 4/3, 2, 2 … times the
    // rate; where every other is a suggestion, 1, 1.5, 2, 2.5, 3 scores cost 1, 0.875, 0.75, 0.625,
    // 0.5, and all leave at 1, 16/15, 8/7, 16/13, 4/3 … The core works whenever there is one:
    // 1 − 1 / (1 + 0.6 + 0.27 + 0.081 / 0.7), and 1 − 1 / (1 + 0.6 + 0.3375 + 0.17719 + 0.08638 +
    // 0.03887 / 0.55)
    CallFigures scores =
        new CallFigures(CallKind.SCORE, 0, 1, List.of(rewardMillis(1, 10), rewardMillis(3, 5)));
    CallFigures others = new CallFigures(CallKind.SUGGESTION, 0, 1, List.of(rewardMillis(1, 10)));
    Demand both = new Demand(Map.of(CallKind.SCORE, 30.0, CallKind.SUGGESTION, 30.0));

    assertThat(busy(figures(Map.of(CallKind.SCORE, scores)), scoresPerSecond(60)))
        .isCloseTo(0.4964, within(0.01));
    assertThat(busy(figures(Map.of(CallKind.SCORE, scores, CallKind.SUGGESTION, others)), both))
        .isCloseTo(0.5598, within(0.01));
  }

  private static double busy(CapacityFigures figures, Demand demand) {
    return run(figures, demand, rewardServers(1, 1), Balancing.RANDOM)
        .utilisation()
        .values()
        .iterator()
        .next();
  }

  @Test
  void theSameSeedGivesTheSameNumbers() {
    CapacityFigures figures = scores(1, rewardMillis(1, 10));
    SimulatedLoad once = run(figures, scoresPerSecond(600), rewardServers(1, 10), Balancing.RANDOM);
    SimulatedLoad again =
        run(figures, scoresPerSecond(600), rewardServers(1, 10), Balancing.RANDOM);

    assertThat(again).isEqualTo(once);
  }
}
