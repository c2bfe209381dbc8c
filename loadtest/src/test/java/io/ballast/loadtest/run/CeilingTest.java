package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.openloop.FakePacer;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A generator's ceiling is what it really manages, however slow it is. */
class CeilingTest {
  private final FakePacer pacer = new FakePacer();

  /** Takes so many nanoseconds of the sending thread for each call. */
  private double ceiling(long nanos) {
    return Ceiling.perSecond(
        (index, done) -> {
          pacer.sleepUntil(pacer.nanoTime() + nanos);
          done.accept(Outcome.answered("SHOW"));
        },
        Duration.ofSeconds(1),
        pacer);
  }

  @Test
  void whatTakesAMillisecondACallManagesAThousandASecond() {
    assertThat(ceiling(1_000_000)).isCloseTo(1_000, withinPercentage(1));
    assertThat(ceiling(100_000)).isCloseTo(10_000, withinPercentage(1));
    assertThat(ceiling(50_000_000)).isCloseTo(20, withinPercentage(1));
  }

  @Test
  void readersThatWaitAreNoLimitOfTheGenerator() {
    LoadScenario slow =
        new ScenarioReader(Path.of(""), List.of("int a = "))
            .read(
                """
                phases: [{rate: 1, duration: 1s}]
                mix: [{call: SUGGEST_STREAM, read_every: 1m, timeout: 5m}]
                generator: {calibration: 100ms}
                """);

    // of two messages each, 256 calls at a time: at the most 2 a second, were each read so slowly
    assertThat(Ceiling.perSecond(slow, new SystemPacer())).isGreaterThan(20);
  }

  @Test
  void whatIsSlowAtFirstIsMeasuredAfterwards() {
    double perSecond =
        Ceiling.perSecond(
            (index, done) -> {
              pacer.sleepUntil(pacer.nanoTime() + (index < 500 ? 20_000_000 : 1_000_000));
              done.accept(Outcome.answered("SHOW"));
            },
            Duration.ofSeconds(1),
            pacer);
    assertThat(perSecond).isCloseTo(1_000, withinPercentage(1));
  }

  @Test
  void callsOfEachKindAreAnsweredWithAllThatTheyAskFor(@TempDir Path folder) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("all.yaml"),
            """
            name: all
            phases: [{name: hold, rate: 1, duration: 1s}]
            mix:
              - {call: SUGGEST, with_reward: true, with_cost: true}
              - {call: SUGGEST, name: probe, gate: OFF, probe: true}
              - {call: SUGGEST_STREAM, with_reward: true, with_cost: true}
              - {call: SCORE, items: 3}
              - {call: FEEDBACK}
            slos: [{error_budget: 0}]
            generator: {calibration: 100ms}
            """);
    LoadScenario scenario = ScenarioReader.read(file, LoadTexts.PROMPTS);

    assertThat(Ceiling.perSecond(scenario, new SystemPacer())).isPositive();
  }
}
