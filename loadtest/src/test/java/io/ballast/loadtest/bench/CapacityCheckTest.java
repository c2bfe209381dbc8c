package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.bench.CapacityCheck.Row;
import io.ballast.loadtest.capacity.CallFigures;
import io.ballast.loadtest.capacity.CallFigures.CpuAt;
import io.ballast.loadtest.capacity.CallKind;
import io.ballast.loadtest.capacity.CapacityFigures;
import io.ballast.loadtest.capacity.OneMachine;
import io.ballast.loadtest.capacity.Server;
import io.ballast.loadtest.openloop.FakePacer;
import io.grpc.Status;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What {@code capacity measure --check} measures, prints and judges. */
class CapacityCheckTest {
  private static Row row(
      double share, double missed, double p50, double p99, OneMachine.Times simulated) {
    return new Row(
        share, 52.25, 0.38, 0.411, CallKind.SUGGESTION, missed, sure(p50), sure(p99), simulated);
  }

  private static Quantile sure(double millis) {
    return new Quantile(millis, millis, millis);
  }

  @Test
  void measuredAndSimulatedStandSideBySide() {
    assertThat(
            CapacityCheck.table(
                List.of(row(0.4, 0.012, 80.04, 210, new OneMachine.Times(79.96, 190)))))
        .isEqualToNormalizingNewlines(
            """
            | Load | Calls/s | Cores busy | simulated | Call | Not answered | p50 measured, ms | simulated | p99 measured, ms | simulated |
            |---|---|---|---|---|---|---|---|---|---|
            | 40 % | 52.3 | 38 % | 41 % | suggestion | 1.2 % | 80.0 (80.0 to 80.0) | 80.0 | 210.0 (210.0 to 210.0) | 190.0 |
            """);
  }

  @Test
  void whatDiffersByLessThanItsFactorAgrees() {
    // 1.5 times as long, 1.5 times as quick; and 2 times
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0.01, 15, 20, new OneMachine.Times(10, 40)),
                    row(0.6, 0, 10, 80, new OneMachine.Times(15, 40)))))
        .isEmpty();
  }

  @Test
  void whatDiffersByLessThanAMillisecondAgrees() {
    // 2.3 and 2.8 times, by 0.8 and 0.9 ms
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0, 1.4, 1.4, new OneMachine.Times(0.6, 0.5)),
                    row(0.4, 0, 0.6, 0.5, new OneMachine.Times(1.4, 1.4)))))
        .isEmpty();
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0, 1.7, 1.4, new OneMachine.Times(0.6, 0.5)),
                    row(0.4, 0, 1.4, 1.6, new OneMachine.Times(0.6, 0.5)))))
        .containsExactly(
            "suggestion at 20 %: p50: measured 1.7 (1.7 to 1.7) ms, simulated 0.6 ms (allowed beyond that: a factor of 1.5,"
                + " or 1 ms)",
            "suggestion at 40 %: p99: measured 1.6 (1.6 to 1.6) ms, simulated 0.5 ms (allowed beyond that: a factor of 2.0,"
                + " or 1 ms)");
  }

  @Test
  void whatDiffersByMoreIsNamed() {
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0, 15.1, 40, new OneMachine.Times(10, 40)),
                    row(0.4, 0, 10, 40, new OneMachine.Times(15.1, 40)),
                    row(0.6, 0, 10, 81, new OneMachine.Times(10, 40)))))
        .containsExactly(
            "suggestion at 20 %: p50: measured 15.1 (15.1 to 15.1) ms, simulated 10.0 ms (allowed beyond that: a factor of"
                + " 1.5, or 1 ms)",
            "suggestion at 40 %: p50: measured 10.0 (10.0 to 10.0) ms, simulated 15.1 ms (allowed beyond that: a factor of"
                + " 1.5, or 1 ms)",
            "suggestion at 60 %: p99: measured 81.0 (81.0 to 81.0) ms, simulated 40.0 ms (allowed beyond that: a factor of"
                + " 2.0, or 1 ms)");
  }

  @Test
  void whatDiffersByChanceAgrees() {
    OneMachine.Times simulated = new OneMachine.Times(10, 40);

    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    unsure(new Quantile(10, 10, 10), new Quantile(300, 80, 400), simulated),
                    unsure(
                        new Quantile(5, 4, 7),
                        new Quantile(10, 9, Double.POSITIVE_INFINITY),
                        simulated))))
        .isEmpty();
    assertThat(
            CapacityCheck.disagreements(
                List.of(unsure(new Quantile(5, 4, 6.6), new Quantile(300, 81, 400), simulated))))
        .containsExactly(
            "suggestion at 40 %: p50: measured 5.0 (4.0 to 6.6) ms, simulated 10.0 ms (allowed beyond that: a"
                + " factor of 1.5, or 1 ms)",
            "suggestion at 40 %: p99: measured 300.0 (81.0 to 400.0) ms, simulated 40.0 ms"
                + " (allowed beyond that: a factor of 2.0, or 1 ms)");
  }

  private static Row unsure(Quantile p50, Quantile p99, OneMachine.Times simulated) {
    return new Row(0.4, 52.25, 0.38, 0.411, CallKind.SUGGESTION, 0, p50, p99, simulated);
  }

  @Test
  void aLoadAboveSixtyPercentIsShownAndNotJudged() {
    assertThat(
            CapacityCheck.disagreements(
                List.of(row(0.8, 0.5, 1_000, 9_000, new OneMachine.Times(10, 40)))))
        .isEmpty();
  }

  @Test
  void callsThatAreNotAnsweredAndAMachineThatDoesNotKeepUpAreNoAgreement() {
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.4, 0.011, 10, 40, new OneMachine.Times(10, 40)),
                    row(0.6, 0, 10, 40, new OneMachine.Times(Double.NaN, Double.NaN)),
                    row(0.6, 1, Double.NaN, 40, new OneMachine.Times(10, 40)))))
        .containsExactly(
            "suggestion at 40 %: 1.1 % were not answered (allowed: 1 %)",
            "suggestion at 60 %: simulated, the machine does not keep up",
            "suggestion at 60 %: 100.0 % were not answered (allowed: 1 %)",
            "suggestion at 60 %: p50: measured NaN (NaN to NaN) ms, simulated 10.0 ms (allowed beyond that: a factor of"
                + " 1.5, or 1 ms)");
  }

  private static CallFigures twentyMillis(CallKind kind) {
    Server server = kind == CallKind.SCORE ? Server.REWARD_SERVER : Server.POLICY_SERVER;
    return new CallFigures(kind, 0, 0, List.of(new CpuAt(1, Map.of(server, 20.0))));
  }

  private static CapacityFigures twentyMillisEach() {
    return new CapacityFigures(
        "a machine",
        "a commit",
        Arrays.stream(CallKind.values()).map(CapacityCheckTest::twentyMillis).toList(),
        new CapacityFigures.Footprint(Map.of(), 0, 0, 0, 0, Map.of(), 0));
  }

  /** A mesh that works these shares of all cores' time, one load after the other. */
  private static final class Working implements Supplier<Map<Server, Double>> {
    private final FakePacer pacer;
    private final Iterator<Double> shares;
    private OptionalLong begun = OptionalLong.empty();
    private double worked = 100; // before all this

    Working(FakePacer pacer, List<Double> shares) {
      this.pacer = pacer;
      this.shares = shares.iterator();
    }

    @Override
    public Map<Server, Double> get() {
      if (begun.isEmpty()) {
        begun = OptionalLong.of(pacer.nanoTime());
      } else {
        double seconds = (pacer.nanoTime() - begun.getAsLong()) / 1e9;
        worked += shares.next() * seconds * Runtime.getRuntime().availableProcessors();
        begun = OptionalLong.empty();
      }
      return Map.of(Server.POLICY_SERVER, worked);
    }
  }

  private static Map<CallKind, ClosedLoop.Call> callsThatTakeNoTime() {
    Map<CallKind, ClosedLoop.Call> calls = new EnumMap<>(CallKind.class);
    Arrays.stream(CallKind.values()).forEach(kind -> calls.put(kind, index -> 1));
    return calls;
  }

  @Test
  void theMeshIsLoadedUntilCallsCostNoLessBeforeItIsMeasured() {
    FakePacer pacer = new FakePacer();
    // three warm-ups, then 20, 40, 60 and 80 %
    Working mesh = new Working(pacer, List.of(0.9, 0.7, 0.69, 0.2, 0.4, 0.6, 0.8));
    AtomicInteger steps = new AtomicInteger();

    List<Row> rows =
        new CapacityCheck(callsThatTakeNoTime(), Runnable::run, Duration.ofSeconds(10), pacer, mesh)
            .rows(twentyMillisEach(), steps::incrementAndGet);

    assertThat(mesh.shares).isExhausted();
    assertThat(steps).hasValue(CapacityCheck.STEPS);
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.busy()).isCloseTo(row.share(), within(1e-6));
              assertThat(row.simulatedBusy()).isCloseTo(row.share(), within(0.02));
            });
  }

  @Test
  void aMeshThatGrowsCheaperForEverIsMeasuredInTheEnd() {
    FakePacer pacer = new FakePacer();
    Working mesh = new Working(pacer, List.of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0));

    List<Row> rows =
        new CapacityCheck(callsThatTakeNoTime(), Runnable::run, Duration.ofSeconds(10), pacer, mesh)
            .rows(twentyMillisEach(), () -> {});

    assertThat(mesh.shares).isExhausted();
    assertThat(rows.getFirst().busy()).isCloseTo(0.3, within(1e-6));
  }

  @Test
  void refusedCallsAreCountedAndTheOthersTimed() {
    FakePacer pacer = new FakePacer();
    Map<CallKind, ClosedLoop.Call> calls =
        Map.of(
            CallKind.SUGGESTION,
            index -> 1,
            CallKind.SCORE,
            index -> {
              throw Status.RESOURCE_EXHAUSTED.asRuntimeException();
            },
            CallKind.EVENT,
            index -> {
              pacer.sleepUntil(pacer.nanoTime() + 3_000_000);
              return 1;
            });

    List<Row> rows =
        new CapacityCheck(calls, Runnable::run, Duration.ofSeconds(10), pacer, Map::of)
            .rows(twentyMillisEach(), () -> {});

    assertThat(rows).hasSize(CapacityCheck.SHARES.size() * CallKind.values().length);
    assertThat(rows)
        .allSatisfy(
            row ->
                assertThat(row.missed())
                    .as(row.kind().label())
                    .isEqualTo(row.kind() == CallKind.SCORE ? 1 : 0));
    assertThat(rows.stream().filter(row -> row.kind() == CallKind.EVENT))
        .allSatisfy(row -> assertThat(row.p50().value()).isGreaterThanOrEqualTo(2.9));
    assertThat(rows.stream().filter(row -> row.share() == 0.2).map(row -> row.simulated().p50()))
        .allSatisfy(p50 -> assertThat(p50).isCloseTo(20, within(10.0)));
  }

  @Test
  void theCommandEndsWithACodeOfItsOwnWhereTheyDoNotAgree() {
    StringWriter said = new StringWriter();
    MeasureCapacityCommand command = new MeasureCapacityCommand();
    var unused = new CommandLine(command).setOut(new PrintWriter(said));

    assertThat(command.judge(List.of(row(0.4, 0, 10, 40, new OneMachine.Times(10, 40))))).isZero();
    assertThat(said.toString())
        .endsWith(
            "up to 60 % load, p50 within a factor of 1.5 and p99 of 2.0, or 1 ms, beyond chance: measured and simulated"
                + " agree"
                + System.lineSeparator());
    assertThat(command.judge(List.of(row(0.4, 0, 10, 400, new OneMachine.Times(10, 40)))))
        .isEqualTo(8);
    assertThat(said.toString())
        .contains("suggestion at 40 %: p99: measured 400.0 (400.0 to 400.0) ms", "NOT agree");
  }
}
