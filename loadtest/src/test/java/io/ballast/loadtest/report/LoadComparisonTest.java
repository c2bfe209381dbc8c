package io.ballast.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.report.LoadComparison.Judgement;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import io.ballast.loadtest.scenario.Phase;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Two loads differ where their difference is more than noise, and only there. */
class LoadComparisonTest {
  private static JsonNode load(double mean, long seed) {
    return Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, mean, seed)).json();
  }

  private static List<Judgement> judged(JsonNode before, JsonNode after, double noise) {
    return LoadComparison.of(before, after, noise).stream()
        .map(LoadComparison.Row::judgement)
        .toList();
  }

  @Test
  void twoLoadsOfTheSameMeshAreTheSame() {
    for (int seed = 0; seed < 20; seed++) {
      JsonNode before = load(0.005, 2 * seed);
      JsonNode after = load(0.005, 2 * seed + 1);
      assertThat(judged(before, after, 0).subList(0, 5)).containsOnly(Judgement.SAME);
      assertThat(judged(before, after, 0.5)).as("each step too").containsOnly(Judgement.SAME);
    }
  }

  @Test
  void aSlowerOneIsWorseAndTheOtherWayRoundBetter() {
    JsonNode fast = load(0.005, 1);
    JsonNode slow = load(0.0075, 2);

    assertThat(judged(fast, slow, 0.1).subList(0, 3))
        .containsExactly(Judgement.WORSE, Judgement.WORSE, Judgement.SAME);
    assertThat(judged(slow, fast, 0.1).subList(0, 3))
        .containsExactly(Judgement.BETTER, Judgement.BETTER, Judgement.SAME);
    assertThat(judged(fast, slow, 0.9))
        .as("the caller says what noise is")
        .containsOnly(Judgement.SAME);
    assertThat(LoadComparison.of(fast, slow, 0.1).getFirst().text())
        .contains("latency p50", "ms", "worse");
  }

  @Test
  void callsThatAreNoLongerAnsweredAreWorse() {
    LoadFigures figures = Calls.figures(Calls.SCENARIO);
    for (int i = 0; i < 4_000; i++) {
      figures.accept(Calls.call(i, i / 100.0, 0.005, i % 10 == 0 ? Fate.SHED : Fate.ANSWERED));
    }
    List<LoadComparison.Row> rows =
        LoadComparison.of(load(0.005, 1), Calls.report(Calls.SCENARIO, figures).json(), 0.05);
    assertThat(rows.subList(2, 5))
        .extracting(LoadComparison.Row::judgement)
        .containsOnly(Judgement.WORSE);
    assertThat(rows.get(4).after()).isEqualTo(10);
    assertThat(rows.get(4).text())
        .as("no share of nothing")
        .contains("10.00 %                  -  worse");
  }

  private static final String SLOW_READER =
      """
      {phases: [{name: hold, rate: 100, duration: 40s}],
       mix: [{call: SUGGEST, weight: 9}, {call: SUGGEST_STREAM, read_every: 100ms}]}
      """;

  private static LoadScenario scenario(String yaml) {
    return new ScenarioReader(Path.of(""), List.of("int a = ")).read(yaml);
  }

  /** Suggestions of an exponential latency, and streams that a slow reader takes a second for. */
  private static JsonNode besideASlowReader(double mean, long seed) {
    LoadScenario scenario = scenario(SLOW_READER);
    Mix mix = new Mix(scenario.mix(), scenario.seed());
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    LoadFigures figures = new LoadFigures(scenario, mix);
    for (int i = 0; i < 4_000; i++) {
      double latency = mix.stepAt(i) == 0 ? -mean * Math.log1p(-random.nextDouble()) : 1;
      figures.accept(Calls.call(i, i / 100.0, latency, Fate.ANSWERED));
    }
    return Calls.report(scenario, figures).json();
  }

  private static LoadComparison.Row row(List<LoadComparison.Row> rows, String name) {
    return rows.stream().filter(row -> row.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void aKindOfCallThatIsSlowerIsWorseThoughAnotherOwnsTheTail() {
    List<LoadComparison.Row> rows =
        LoadComparison.of(besideASlowReader(0.005, 1), besideASlowReader(0.015, 2), 0.1);

    assertThat(row(rows, "latency p99").judgement()).isEqualTo(Judgement.SAME);
    assertThat(row(rows, "SUGGEST: latency p99").judgement()).isEqualTo(Judgement.WORSE);
    assertThat(row(rows, "SUGGEST_STREAM: latency p99").judgement()).isEqualTo(Judgement.SAME);
    assertThat(row(rows, "SUGGEST: answered").after()).isEqualTo(90, within(3.0));
  }

  @Test
  void goodAnswersThatComeTooLateAreWorse() {
    // within 20 ms: 98 % of exponential latencies of 5 ms, 39 % of those of 40 ms
    LoadComparison.Row good =
        row(LoadComparison.of(load(0.005, 1), load(0.04, 2), 0.1), "good answers");

    assertThat(good.before()).isEqualTo(98.2, within(2.0));
    assertThat(good.after()).isEqualTo(39.3, within(4.0));
    assertThat(good.judgement()).isEqualTo(Judgement.WORSE);
  }

  /** A load whose server had so much more memory at the end than at its beginning. */
  private static JsonNode growing(double share) {
    LoadFigures figures = Calls.load(Calls.SCENARIO, 0.005, 1);
    LoadReport report = Calls.report(Calls.SCENARIO, figures);
    List<MemoryTrend.Sample> samples =
        IntStream.range(0, 40)
            .mapToObj(i -> new MemoryTrend.Sample(i, 1e9 * (1 + share * i / 40) + 1e6 * (i % 2)))
            .toList();
    return new LoadReport(
            report.scenario(),
            report.target(),
            1,
            figures,
            report.generator(),
            report.checks(),
            List.of(),
            new MemoryTrend(samples))
        .json();
  }

  @Test
  void memoryThatGrowsIsWorseIfBothLookedAtIt() {
    assertThat(row(LoadComparison.of(growing(0), growing(0.5), 0.1), "memory growth").judgement())
        .isEqualTo(Judgement.WORSE);
    assertThat(row(LoadComparison.of(growing(0.5), growing(0), 0.1), "memory growth").judgement())
        .isEqualTo(Judgement.BETTER);
    assertThat(row(LoadComparison.of(growing(0), growing(0.05), 0.1), "memory growth").judgement())
        .isEqualTo(Judgement.SAME);
    assertThat(LoadComparison.of(growing(0.5), load(0.005, 1), 0.1))
        .noneMatch(row -> row.name().equals("memory growth"));
  }

  @Test
  void unlikeLoadsOfOneNameAreRefused() {
    JsonNode load = load(0.005, 1);
    LoadScenario faster =
        Calls.SCENARIO.with(
            List.of(
                Calls.SCENARIO.phases().getFirst(),
                new Phase("hold", Phase.Shape.HOLD, 200, 200, Duration.ofSeconds(30), true)));
    LoadScenario longer =
        Calls.SCENARIO.with(
            List.of(
                Calls.SCENARIO.phases().getFirst(),
                new Phase("hold", Phase.Shape.HOLD, 100, 100, Duration.ofSeconds(60), true)));
    LoadScenario shorter = Calls.SCENARIO.with(List.of(Calls.SCENARIO.phases().getLast()));
    LoadScenario mixed = scenario(SLOW_READER.replace("weight: 9", "weight: 3"));

    assertRefused(
        load, faster, "phases[1].rate_per_second: 100.0 and 200.0 (expected: the same load)");
    assertRefused(
        load, longer, "phases[1].duration_seconds: 30.0 and 60.0 (expected: the same load)");
    assertRefused(load, shorter, "phases: 2 and 1 (expected: the same load)");
    assertRefused(
        besideASlowReader(0.005, 1), mixed, "mix[0].weight: 9.0 and 3.0 (expected: the same load)");
  }

  private static void assertRefused(JsonNode before, LoadScenario other, String message) {
    JsonNode after = Calls.report(other, Calls.load(other, 0.005, 2)).json();
    assertThatThrownBy(() -> LoadComparison.of(before, after, 0.1)).hasMessage(message);
  }

  @Test
  void aResultOfAReleaseThatDidNotCountStepsIsRefused() {
    JsonNode old = load(0.005, 1);
    old.path("figures").path("intervals").forEach(each -> ((ObjectNode) each).remove("steps"));

    assertThatThrownBy(() -> LoadComparison.of(old, load(0.005, 2), 0.1))
        .hasMessage(
            "load: figures.intervals have no steps: an older release wrote it; run the load"
                + " again");
  }

  @Test
  void tooShortALoadTellsNothing() {
    LoadScenario brief =
        Calls.scenario("max_calls: 5")
            .with(List.of(Calls.SCENARIO.phases().getLast()).subList(0, 1));
    LoadScenario shorter =
        brief.with(List.of(new Phase("hold", Phase.Shape.HOLD, 1, 1, Duration.ofSeconds(2), true)));
    LoadFigures figures = Calls.figures(shorter);
    figures.accept(Calls.call(0, 0.1, 0.001, Fate.ANSWERED));
    JsonNode json = Calls.report(shorter, figures).json();
    assertThat(judged(json, json, 0)).containsOnly(Judgement.UNKNOWN);
  }

  @Test
  void whatCannotBeComparedIsRefused() {
    JsonNode invalid = Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, 0.005, 1), 1).json();
    assertThatThrownBy(() -> LoadComparison.of(load(0.005, 1), invalid, 0))
        .hasMessage("load: a load that is INVALID has no figures");
    LoadScenario other = Calls.scenario("name: other");
    JsonNode another = Calls.report(other, Calls.load(other, 0.005, 1)).json();
    assertThatThrownBy(() -> LoadComparison.of(load(0.005, 1), another, 0))
        .hasMessage("scenarios: load and other (expected: the same)");
  }

  @Test
  void welchsTestOfAHandComputedCase() {
    // means 2 and 5, variances 1 and 1, n = 3: t = 3 / sqrt(2/3) = 3.674, 4 degrees of freedom:
    // p = 0.0213
    double[] before = {1, 2, 3};
    double[] after = {4, 5, 6};
    assertThat(LoadComparison.differs(before, after, 0.022)).isTrue();
    assertThat(LoadComparison.differs(before, after, 0.021)).isFalse();
    assertThat(LoadComparison.differs(new double[] {1, 1}, new double[] {1, 1}, 0.01)).isFalse();
    assertThat(LoadComparison.differs(new double[] {1, 1}, new double[] {2, 2}, 0.01)).isTrue();
  }
}
