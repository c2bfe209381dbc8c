package io.ballast.loadtest.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.loadtest.openloop.Arrivals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A scenario is what its file says, and a file that says something else is told where. */
class ScenarioReaderTest {
  private static final List<String> PROMPTS = List.of("int a = ");

  @TempDir private Path folder = Path.of("");

  private LoadScenario read(String text) {
    return new ScenarioReader(folder, PROMPTS).read(text);
  }

  @Test
  void defaults() {
    LoadScenario scenario = read("{phases: [{rate: 5, duration: 10s}], mix: [{call: SUGGEST}]}");

    assertThat(scenario)
        .isEqualTo(
            new LoadScenario(
                "load",
                1,
                Spread.POISSON,
                List.of(),
                List.of(new Phase("hold-0", Phase.Shape.HOLD, 5, 5, Duration.ofSeconds(10), true)),
                List.of(
                    new CallStep(
                        "SUGGEST",
                        CallKind.SUGGEST,
                        1,
                        "loadtest",
                        Lane.INTERACTIVE,
                        Duration.ofSeconds(10),
                        Gate.ENFORCE,
                        false,
                        false,
                        8,
                        Duration.ZERO,
                        FeedbackKind.ACCEPTED,
                        false,
                        0)),
                PROMPTS,
                256,
                1_000_000,
                List.of(),
                false,
                OptionalDouble.empty(),
                List.of(),
                new GeneratorLimits(Duration.ofMillis(20), 1.5, Duration.ofSeconds(1))));
  }

  @Test
  void everyKeyReachesItsField() throws IOException {
    Files.writeString(folder.resolve("prompts"), "a\\nb\nc\n");
    LoadScenario scenario =
        read(
            """
            name: all
            seed: -3
            arrivals: even
            max_in_flight: 7
            max_calls: 99
            prompts: prompts
            phases:
              - {name: up, shape: ramp, from: 1, to: 2, duration: 3s, measured: false}
              - {shape: SPIKE, rate: 4, peak: 40, duration: 6s}
              - {shape: SOAK, rate: 5, duration: 1m}
            mix:
              - {call: score, name: s, weight: 2, tenant: t, priority: BATCH, timeout: 1s, items: 3, probe: true, probe_tolerance: 0.1}
              - {call: SUGGEST_STREAM, gate: SHADOW, with_reward: true, with_cost: true, read_every: 20ms}
              - {call: FEEDBACK, event: REJECTED}
            slos:
              - {of: s, p50: 1ms, p90: 2ms, p99: 3ms, p99_9: 4ms}
              - {error_budget: 0.5, goodput: 6, within: 7ms, degraded: 0.25}
            checks: {feedback_kept: true, memory_growth: 0.05}
            faults:
              - {name: f, at: 2s, run: "true", timeout: 9s}
            generator: {send_delay_p99: 8ms, headroom: 2, calibration: 200ms}
            """);

    assertThat(scenario.prompts()).containsExactly("a\nb", "c");
    assertThat(scenario.seed()).isEqualTo(-3);
    assertThat(scenario.spread()).isEqualTo(Spread.EVEN);
    assertThat(scenario.maxInFlight()).isEqualTo(7);
    assertThat(scenario.maxCalls()).isEqualTo(99);
    assertThat(scenario.phases())
        .containsExactly(
            new Phase("up", Phase.Shape.RAMP, 1, 2, Duration.ofSeconds(3), false),
            new Phase("spike-1", Phase.Shape.SPIKE, 4, 40, Duration.ofSeconds(6), true),
            new Phase("soak-2", Phase.Shape.SOAK, 5, 5, Duration.ofMinutes(1), true));
    CallStep score = scenario.mix().getFirst();
    assertThat(score.kind()).isEqualTo(CallKind.SCORE);
    assertThat(score.name()).isEqualTo("s");
    assertThat(score.weight()).isEqualTo(2);
    assertThat(score.tenant()).isEqualTo("t");
    assertThat(score.lane()).isEqualTo(Lane.BATCH);
    assertThat(score.timeout()).isEqualTo(Duration.ofSeconds(1));
    assertThat(score.items()).isEqualTo(3);
    assertThat(score.probe()).isTrue();
    assertThat(score.probeTolerance()).isEqualTo(0.1);
    CallStep stream = scenario.mix().get(1);
    assertThat(stream.gate()).isEqualTo(Gate.SHADOW);
    assertThat(stream.withReward()).isTrue();
    assertThat(stream.withCost()).isTrue();
    assertThat(stream.readEvery()).isEqualTo(Duration.ofMillis(20));
    assertThat(scenario.mix().get(2).event()).isEqualTo(FeedbackKind.REJECTED);
    double always = Double.POSITIVE_INFINITY;
    assertThat(scenario.slos())
        .containsExactly(
            new Slo("s", Slo.Measure.LATENCY, 50, 0.001, always),
            new Slo("s", Slo.Measure.LATENCY, 90, 0.002, always),
            new Slo("s", Slo.Measure.LATENCY, 99, 0.003, always),
            new Slo("s", Slo.Measure.LATENCY, 99.9, 0.004, always),
            new Slo("", Slo.Measure.ERRORS, 0, 0.5, 0.007),
            new Slo("", Slo.Measure.DEGRADED, 0, 0.25, always),
            new Slo("", Slo.Measure.GOODPUT, 0, 6, 0.007));
    assertThat(scenario.feedbackKept()).isTrue();
    assertThat(scenario.memoryGrowth()).hasValue(0.05);
    assertThat(scenario.faults())
        .containsExactly(new Fault("f", Duration.ofSeconds(2), "true", Duration.ofSeconds(9)));
    assertThat(scenario.generator())
        .isEqualTo(new GeneratorLimits(Duration.ofMillis(8), 2, Duration.ofMillis(200)));
    assertThat(scenario.seconds()).isEqualTo(69);
    assertThat(scenario.measuredSeconds()).isEqualTo(66);
    assertThat(scenario.peakRate()).isEqualTo(40);
    assertThat(scenario.phaseAt(2.99)).isZero();
    assertThat(scenario.phaseAt(3)).isEqualTo(1);
    assertThat(scenario.phaseAt(1_000)).isEqualTo(2);
  }

  @Test
  void processesShareATrace() throws IOException {
    Files.writeString(folder.resolve("times"), "0\n0.25\n0.5\n1.1\n");
    LoadScenario scenario =
        read("{arrivals: TRACE, trace: times, phases: [{duration: 2s}], mix: [{call: SCORE}]}");

    assertThat(scenario.peakRate()).as("in the fullest second").isEqualTo(3);
    Arrivals first = scenario.arrivals(0, 2);
    Arrivals second = scenario.arrivals(1, 2);
    assertThat(List.of(first.nextNanos(), first.nextNanos(), first.nextNanos()))
        .containsExactly(0L, 500_000_000L, Arrivals.NEVER);
    assertThat(List.of(second.nextNanos(), second.nextNanos(), second.nextNanos()))
        .containsExactly(250_000_000L, 1_100_000_000L, Arrivals.NEVER);
  }

  @Test
  void aMixIsDrawnByWeightAndTheSameEachTime() {
    LoadScenario scenario =
        read(
            """
            phases: [{rate: 1, duration: 1s}]
            mix: [{call: SUGGEST, weight: 6}, {call: SCORE, weight: 3}, {call: FEEDBACK, weight: 1}]
            """);
    Mix mix = new Mix(scenario.mix(), 5);
    Mix again = new Mix(scenario.mix(), 5);
    int[] counts = new int[3];
    for (long i = 0; i < 10_000; i++) {
      counts[mix.stepAt(i)]++;
      assertThat(again.stepAt(i)).isEqualTo(mix.stepAt(i));
    }
    // five standard deviations of a binomial: 245, 229, 150
    assertThat((double) counts[0]).isCloseTo(6_000, within(245.0));
    assertThat((double) counts[1]).isCloseTo(3_000, within(229.0));
    assertThat((double) counts[2]).isCloseTo(1_000, within(150.0));
  }

  static Stream<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("scenarios"))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  void theExamplesAreScenarios(Path file) {
    LoadScenario scenario = ScenarioReader.read(file, PROMPTS);
    assertThat(file.getFileName()).hasToString(scenario.name() + ".yaml");
    assertThat(scenario.slos()).isNotEmpty();
    assertThat(read("{phases: [{rate: 1, duration: 1s}], mix: [{call: SUGGEST, gate: OFF}]}").mix())
        .extracting(CallStep::gate)
        .containsExactly(Gate.OFF);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{rate: -1, duration: 1s}                    | {call: SUGGEST} | phases[0].rate: -1 (allowed: 0 to 50,000 calls a second)",
        "{duration: 1s}                              | {call: SUGGEST} | phases[0].rate: absent (allowed: 0 to 50,000 calls a second)",
        "{rate: 1}                                   | {call: SUGGEST} | phases[0].duration: absent (allowed: 100ms to 1440m)",
        "{rate: 1, duration: soon}                   | {call: SUGGEST} | phases[0].duration: 'soon' is not a duration",
        "{rate: 1, duration: 25h}                    | {call: SUGGEST} | phases[0].duration: 25h (allowed: 100ms to 1440m)",
        "{rate: 1, duration: 1s, shape: WAVE}        | {call: SUGGEST} | phases[0].shape: WAVE (allowed: one of HOLD, RAMP, SPIKE, SOAK)",
        "{rate: 1, duration: 1s, shape: RAMP}        | {call: SUGGEST} | phases[0].rate: given (allowed: not here: a RAMP goes from: to:)",
        "{rate: 1, duration: 1s, measured: false}    | {call: SUGGEST} | phases: none is measured (allowed: at least one)",
        "{rate: 1, duration: 1s, measured: perhaps}  | {call: SUGGEST} | phases[0].measured: perhaps (allowed: true or false)",
        "{rate: 1, duration: 1s, rates: 2}           | {call: SUGGEST} | phases[0].rates: unknown key (known: name, shape, rate,",
        "7                                           | {call: SUGGEST} | phases[0]: 7 (expected: an object with keys)",
        "{rate: 1, duration: 1s}                     | {call: TRAIN}   | mix[0].call: TRAIN (allowed: one of SUGGEST, SUGGEST_STREAM, SCORE, FEEDBACK)",
        "{rate: 1, duration: 1s}                     | {weight: 1}     | mix[0].call: absent (allowed: one of SUGGEST",
        "{rate: 1, duration: 1s}                     | {call: SUGGEST, weight: 0} | mix[0].weight: 0 (allowed: above 0, at most 1,000,000)",
        "{rate: 1, duration: 1s}                     | {call: SUGGEST, items: 2} | mix[0].items: given (allowed: not here: of SCORE)",
        "{rate: 1, duration: 1s}                     | {call: SCORE, items: 2.5} | mix[0].items: 2.5 (allowed: a whole number)",
        "{rate: 1, duration: 1s}                     | {call: SCORE, tenant: 'a b'} | mix[0].tenant: a b (allowed: 1 to 64 characters of A-Z a-z 0-9 . _ -)",
        "{rate: 1, duration: 1s}                     | {call: SCORE}, {call: SCORE} | mix[1].name: SCORE (allowed: a name that no other call of the mix has)",
      })
  void whatIsWrongIsNamed(String phase, String call, String message) {
    assertThatThrownBy(() -> read("{phases: [" + phase + "], mix: [" + call + "]}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "slos: [{of: X, p99: 1s}]          | slos[0].of: X (allowed: one of SUGGEST)",
        "slos: [{within: 1s}]              | slos[0].p99: absent (allowed: at least one of p50",
        "slos: [{error_budget: 2}]         | slos[0].error_budget: 2 (allowed: a share, 0 to 1)",
        "faults: [{at: 2s, run: true}]     | faults[0].at: 2s (allowed: 0s to 1s)",
        "faults: [{at: 0s, run: a, name: f}, {at: 0s, run: b, name: f}] | faults[1].name: f (allowed: a name that no other fault has)",
        "faults: [{at: 1s}]                | faults[0].run: absent (allowed: a command for sh)",
        "arrivals: TRACE                   | trace: absent (allowed: a file, with arrivals: TRACE alone)",
        "trace: file                       | trace: given (allowed: a file, with arrivals: TRACE alone)",
        "prompts: nowhere                  | prompts: cannot read ",
        "generator: {headroom: 0.5}        | generator.headroom: 0.5 (allowed: 1 to 10)",
        "max_in_flight: 0                  | max_in_flight: 0 (allowed: 1 to 10,000)",
        "seed: 1, seed: 2                  | scenario: no YAML: Duplicate field 'seed'",
      })
  void whatIsWrongBesideThemIsNamed(String more, String message) {
    assertThatThrownBy(
            () -> read("{phases: [{rate: 1, duration: 1s}], mix: [{call: SUGGEST}], " + more + "}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void aFileThatIsNoScenarioIsNamed() {
    assertThatThrownBy(() -> read("[1]"))
        .hasMessage("scenario: a list (expected: an object with keys)");
    assertThatThrownBy(() -> read("a: ["))
        .hasMessageContaining("no YAML")
        .hasMessageContaining("line");
    assertThatThrownBy(() -> ScenarioReader.read(folder.resolve("none"), PROMPTS))
        .hasMessageStartingWith("scenario: cannot read ");
  }
}
