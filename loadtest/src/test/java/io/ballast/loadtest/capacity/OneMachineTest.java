package io.ballast.loadtest.capacity;

import static io.ballast.loadtest.capacity.SimulationTest.figures;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.capacity.CallFigures.CpuAt;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A machine on which everything shares the cores. */
class OneMachineTest {
  private static final CallFigures SCORES =
      new CallFigures(
          CallKind.SCORE,
          25,
          0,
          List.of(new CpuAt(1, Map.of(Server.CALLER, 4.0, Server.REWARD_SERVER, 16.0))));
  private static final CallFigures EVENTS =
      new CallFigures(
          CallKind.EVENT,
          0,
          0,
          List.of(new CpuAt(1, Map.of(Server.POLICY_SERVER, 10.0, Server.DATABASE, 10.0))));
  private static final CapacityFigures FIGURES =
      figures(Map.of(CallKind.SCORE, SCORES, CallKind.EVENT, EVENTS));

  @Test
  void callersAndServersAndTheDatabaseKeepItsCoresBusy() {
    OneMachine machine = new OneMachine(FIGURES, 2);

    assertThat(machine.most(Map.of(CallKind.SCORE, 1.0))).isCloseTo(100, within(1e-9));
    assertThat(machine.most(Map.of(CallKind.SCORE, 3.0, CallKind.EVENT, 1.0)))
        .as("2 cores for 4 calls of 20 ms each")
        .isCloseTo(25, within(1e-9));
  }

  @Test
  void aCallThatIsAloneTakesItsProcessorTimeAndItsWait() {
    OneMachine.Times times =
        new OneMachine(FIGURES, 2)
            .simulate(Map.of(CallKind.SCORE, 0.001), 1_000, 1)
            .orElseThrow()
            .times()
            .getOrDefault(CallKind.SCORE, new OneMachine.Times(Double.NaN, Double.NaN));

    assertThat(times.p50()).isCloseTo(25, within(0.1));
    assertThat(times.p99()).isCloseTo(25, within(0.1));
  }

  @Test
  void whatItsCoresWorkIsWhatCallsCost() {
    assertThat(
            new OneMachine(FIGURES, 2)
                .simulate(Map.of(CallKind.SCORE, 20.0), 50_000, 1)
                .orElseThrow()
                .busy())
        .as("20 calls of 20 ms a second, of two cores")
        .isCloseTo(0.2, within(0.01));
  }

  @Test
  void moreThanTheCoresDoIsSaid() {
    assertThat(new OneMachine(FIGURES, 2).simulate(Map.of(CallKind.SCORE, 150.0), 200_000, 1))
        .isEmpty();
  }
}
