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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What {@code capacity measure --check} measures, prints and judges. */
class CapacityCheckTest {
  private static Row row(
      double share, double missed, double p50, double p99, OneMachine.Times simulated) {
    return new Row(share, 52.25, 0.38, 0.411, CallKind.SUGGESTION, missed, p50, p99, simulated);
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
            | 40 % | 52.3 | 38 % | 41 % | suggestion | 1.2 % | 80.0 | 80.0 | 210.0 | 190.0 |
            """);
  }

  @Test
  void whatDiffersByLessThanItsFactorAgrees() {
    // 1.5 times as long, 1.5 times as quick; and 2.5 times
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0.01, 15, 16, new OneMachine.Times(10, 40)),
                    row(0.6, 0, 10, 100, new OneMachine.Times(15, 40)))))
        .isEmpty();
  }

  @Test
  void whatDiffersByATurnOfACoreAgrees() {
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0, 3.9, 6.9, new OneMachine.Times(1, 4)),
                    row(0.4, 0, 1, 4, new OneMachine.Times(3.9, 6.9)))))
        .isEmpty();
    assertThat(
            CapacityCheck.disagreements(List.of(row(0.2, 0, 4.1, 6.9, new OneMachine.Times(1, 4)))))
        .hasSize(1);
  }

  @Test
  void whatDiffersByMoreIsNamed() {
    assertThat(
            CapacityCheck.disagreements(
                List.of(
                    row(0.2, 0, 15.1, 40, new OneMachine.Times(10, 40)),
                    row(0.4, 0, 10, 40, new OneMachine.Times(15.1, 40)),
                    row(0.6, 0, 10, 101, new OneMachine.Times(10, 40)))))
        .containsExactly(
            "suggestion at 20 %: p50: measured 15.1 ms, simulated 10.0 ms (allowed: a factor of"
                + " 1.5, or 3 ms)",
            "suggestion at 40 %: p50: measured 10.0 ms, simulated 15.1 ms (allowed: a factor of"
                + " 1.5, or 3 ms)",
            "suggestion at 60 %: p99: measured 101.0 ms, simulated 40.0 ms (allowed: a factor of"
                + " 2.5, or 3 ms)");
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
            "suggestion at 60 %: p50: measured NaN ms, simulated 10.0 ms (allowed: a factor of"
                + " 1.5, or 3 ms)");
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

  @Test
  void theMeshIsLoadedUntilCallsCostNoLessBeforeItIsMeasured() {
    int cores = Runtime.getRuntime().availableProcessors();
    double seconds = 3 + 10;
    // three warm-ups, then 20, 40, 60 and 80 % of all cores
    List<Double> shares = List.of(0.9, 0.7, 0.69, 0.2, 0.4, 0.6, 0.8);
    List<Double> worked = new ArrayList<>();
    double sum = 0;
    for (double share : shares) {
      worked.add(sum);
      sum += share * cores * seconds;
      worked.add(sum);
    }
    Iterator<Double> read = worked.iterator();

    Map<CallKind, ClosedLoop.Call> calls = new EnumMap<>(CallKind.class);
    Arrays.stream(CallKind.values()).forEach(kind -> calls.put(kind, index -> 1));

    List<Row> rows =
        new CapacityCheck(calls, Runnable::run, Duration.ofSeconds(10), new FakePacer(), read::next)
            .rows(twentyMillisEach(), () -> {});

    assertThat(read).isExhausted();
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.busy()).isCloseTo(row.share(), within(1e-9));
              assertThat(row.simulatedBusy()).isCloseTo(row.share(), within(0.02));
            });
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
        new CapacityCheck(calls, Runnable::run, Duration.ofSeconds(10), pacer, () -> 0)
            .rows(twentyMillisEach(), () -> {});

    assertThat(rows).hasSize(CapacityCheck.SHARES.size() * CallKind.values().length);
    assertThat(rows)
        .allSatisfy(
            row ->
                assertThat(row.missed())
                    .as(row.kind().label())
                    .isEqualTo(row.kind() == CallKind.SCORE ? 1 : 0));
    assertThat(rows.stream().filter(row -> row.kind() == CallKind.EVENT))
        .allSatisfy(row -> assertThat(row.p50()).isGreaterThanOrEqualTo(2.9));
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
            "up to 60 % load, p50 within a factor of 1.5 and p99 of 2.5, or 3 ms: measured and simulated"
                + " agree"
                + System.lineSeparator());
    assertThat(command.judge(List.of(row(0.4, 0, 10, 400, new OneMachine.Times(10, 40)))))
        .isEqualTo(8);
    assertThat(said.toString()).contains("suggestion at 40 %: p99: measured 400.0 ms", "NOT agree");
  }
}
