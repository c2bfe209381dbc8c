package io.ballast.loadtest.report;

import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Loads as they might have been. */
final class Calls {
  /** Ten seconds that are not measured, then thirty that are; 100 calls a second. */
  static final LoadScenario SCENARIO =
      scenario("slos: [{p99: 50ms, error_budget: 0.1, within: 20ms}, {of: SCORE, goodput: 10}]");

  private Calls() {}

  static LoadScenario scenario(String more) {
    return new ScenarioReader(Path.of(""), List.of("int a = "))
        .read(
            """
            {phases: [{name: warm, rate: 100, duration: 10s, measured: false}, {name: hold, rate: 100, duration: 30s}],
             mix: [{call: SUGGEST, weight: 3}, {call: SCORE}],
            """
                + more
                + "}");
  }

  static CallRecord call(long index, double dueSeconds, double latencySeconds, Fate fate) {
    long due = Math.round(dueSeconds * 1e9);
    return new CallRecord(
        index,
        due,
        due + 100_000,
        due + Math.round(latencySeconds * 1e9),
        fate,
        fate == Fate.ANSWERED ? "SHOW" : fate.name(),
        0);
  }

  /** The scenario's load, each call with an exponential latency of a mean in seconds. */
  static LoadFigures load(LoadScenario scenario, double mean, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    LoadFigures figures = figures(scenario);
    for (int i = 0; i < 4_000; i++) {
      figures.accept(call(i, i / 100.0, -mean * Math.log1p(-random.nextDouble()), Fate.ANSWERED));
    }
    return figures;
  }

  static LoadFigures figures(LoadScenario scenario) {
    return new LoadFigures(scenario, new Mix(scenario.mix(), scenario.seed()));
  }

  static LoadReport report(LoadScenario scenario, LoadFigures figures) {
    return report(scenario, figures, 1_000);
  }

  static LoadReport report(LoadScenario scenario, LoadFigures figures, double ceiling) {
    return new LoadReport(
        scenario,
        "127.0.0.1:9100",
        1,
        figures,
        new GeneratorCheck(
            ceiling, scenario.peakRate(), 1.5, figures.sendDelay(99), 0.02, 0, false),
        Check.of(scenario, figures, null, null),
        List.of(),
        null);
  }
}
