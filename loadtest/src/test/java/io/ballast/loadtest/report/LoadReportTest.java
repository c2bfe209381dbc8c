package io.ballast.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.loadtest.call.KeptFeedback;
import io.ballast.loadtest.call.ReportedEvents;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.LoadScenario;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A load passes if all that was asked for held, and says nothing if the generator was late. */
class LoadReportTest {
  @Test
  void everythingThatHeldIsAPass() {
    LoadReport report = Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, 0.005, 1));

    // exponential with mean 5 ms: p99 = 5·ln 100 = 23.0 ms; P(> 20 ms) = e^−4 = 1.8 %
    assertThat(report.checks().get(0).value()).isCloseTo(23.0, within(2.0));
    assertThat(report.checks().get(1).value()).isCloseTo(1.8, within(0.8));
    assertThat(report.checks().get(2).value()).as("a quarter of 100/s").isCloseTo(25, within(3.0));
    assertThat(report.verdict()).isEqualTo(LoadReport.Verdict.PASS);
    assertThat(report.reasons()).isEmpty();
    JsonNode json = report.json();
    assertThat(json.path("pass").asBoolean()).isTrue();
    assertThat(json.path("figures").path("total").path("planned_count").asInt()).isEqualTo(3_000);
    assertThat(LoadTable.of(report))
        .contains("planned 3,000   answered 3,000", "ok   p99 at most 50 ms: ", "warm *")
        .endsWith("PASS" + System.lineSeparator());
  }

  @Test
  void whatDidNotHoldIsSaid() {
    LoadReport report = Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, 0.02, 1));

    assertThat(report.verdict()).isEqualTo(LoadReport.Verdict.FAIL);
    assertThat(report.reasons())
        .hasSize(2)
        .anyMatch(reason -> reason.startsWith("p99 at most 50 ms: 9"))
        .anyMatch(
            reason -> reason.startsWith("at most 10 % without a good answer within 20 ms: 3"));
    assertThat(report.json().path("pass").asBoolean()).isFalse();
  }

  @Test
  void aWrongAnswerFailsTheBestLoad() {
    LoadFigures figures = Calls.load(Calls.SCENARIO, 0.001, 1);
    figures.accept(Calls.call(5_000, 1, 0.001, Fate.WRONG)); // of the warm-up, even

    assertThat(Calls.report(Calls.SCENARIO, figures).reasons())
        .containsExactly("no answer is wrong: 1 wrong");
  }

  @Test
  void lostFeedbackFailsTheBestLoad() {
    LoadFigures figures = Calls.load(Calls.SCENARIO, 0.001, 1);
    assertThat(Check.of(Calls.SCENARIO, figures, new KeptFeedback(9, 0, 0, ""), null))
        .allMatch(Check::holds);
    assertThat(Check.of(Calls.SCENARIO, figures, new KeptFeedback(9, 1, 2, ""), null).getLast())
        .isEqualTo(
            new Check("each of 9 acknowledged events is kept once", 3, "lost or doubled", false));
  }

  @Test
  void feedbackThatNobodyCouldLookForIsNotSaidToBeThere() {
    KeptFeedback unread =
        KeptFeedback.unread(
            Map.of(
                "one", new ReportedEvents(Set.of("a", "b"), Map.of("s", 2)),
                "two", new ReportedEvents(Set.of("c"), Map.of("t", 1))),
            "UNAVAILABLE");
    Check check =
        Check.of(
                Calls.SCENARIO,
                Calls.load(Calls.SCENARIO, 0.001, 1),
                new KeptFeedback(9, 0, 0, "").plus(unread),
                null)
            .getLast();

    assertThat(check.holds()).isFalse();
    assertThat(check.words())
        .isEqualTo(
            "each of 12 acknowledged events is kept once (reading the training records:"
                + " UNAVAILABLE)");
    assertThat(check.seen()).isEqualTo("nothing was seen");
  }

  @Test
  void aFaultThatDidNotHappenFailsTheLoad() {
    LoadReport report = Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, 0.001, 1));
    FaultResult fault = new FaultResult("kill", "kill -9 1", 3, 0.1, 1, "not permitted");
    LoadReport faulted =
        new LoadReport(
            report.scenario(),
            report.target(),
            1,
            report.figures(),
            report.generator(),
            report.checks(),
            List.of(fault),
            null);
    assertThat(faulted.reasons()).containsExactly("fault kill ended with code 1");
    assertThat(LoadPage.html(faulted)).contains("kill -9 1");
  }

  @Test
  void aLoadWithoutAnswersHoldsNoPercentile() {
    LoadFigures figures = Calls.figures(Calls.SCENARIO);
    assertThat(Calls.report(Calls.SCENARIO, figures).reasons())
        .contains("p99 at most 50 ms: nothing was seen");
  }

  @Test
  void aGeneratorBeyondItsCeilingReportsNothing() {
    LoadReport report = Calls.report(Calls.SCENARIO, Calls.load(Calls.SCENARIO, 0.005, 1), 149);

    assertThat(report.verdict()).isEqualTo(LoadReport.Verdict.INVALID);
    assertThat(report.reasons())
        .containsExactly(
            "this generator manages 149 calls/s here, and 100 × 1.5 are needed; share the load"
                + " among --processes or machines");
    assertThat(report.json().path("figures").isNull()).isTrue();
    assertThat(report.json().path("pass").asBoolean()).isFalse();
    assertThat(LoadTable.of(report)).contains("INVALID").doesNotContain("planned");
    assertThat(LoadPage.html(report)).contains("manages 149").doesNotContain("<svg");
  }

  @Test
  void aGeneratorThatWasLateReportsNothing() {
    assertThat(new GeneratorCheck(1_000, 100, 1.5, 0.021, 0.02, 0, false).flaw())
        .contains("calls were sent late: p99 21.0 ms (generator.send_delay_p99: 20.0 ms)");
    assertThat(new GeneratorCheck(1_000, 100, 1.5, 0.02, 0.02, 3, false).flaw())
        .contains("3 calls were not sent, because sending fell too far behind");
    assertThat(new GeneratorCheck(1_000, 100, 1.5, Double.NaN, 0.02, 0, false).flaw()).isEmpty();
    assertThat(new GeneratorCheck(1_000, 100, 1.5, 0, 0.02, 0, true).flaw())
        .as("calls a second of a load that ended early are none")
        .contains("the load has more calls than max_calls lets it: raise it, or send less");
  }

  @Test
  void thePageShowsLatencyThroughputAndHistogram() {
    LoadScenario scenario = Calls.scenario("name: <hold>".replace("<hold>", "h"));
    LoadReport report = Calls.report(scenario, Calls.load(scenario, 0.005, 1));
    String html = LoadPage.html(report);

    assertThat(html).contains("Latency, ms", "Calls a second", "Calls by latency", "</html>");
    long bars =
        LoadPage.bars(report.figures().total().histogram()).stream()
            .mapToLong(bar -> bar.count())
            .sum();
    assertThat(bars).isEqualTo(3_000);
  }

  @Test
  void aServerThatGrowsFailsTheLoadWhereItMayNot() {
    LoadScenario scenario = Calls.scenario("checks: {memory_growth: 0.05}");
    LoadFigures figures = Calls.load(scenario, 0.001, 1);
    List<MemoryTrend.Sample> samples = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      samples.add(new MemoryTrend.Sample(i, 100e6 + (i < 30 ? 0 : 6e6)));
    }
    MemoryTrend grown = new MemoryTrend(samples);

    Check check = Check.of(scenario, figures, null, grown).getLast();
    assertThat(check.holds()).isFalse();
    assertThat(check.words()).isEqualTo("memory in the last quarter at most 5 % above the second");
    assertThat(check.seen()).isEqualTo("6.00 %");
    assertThat(
            Check.of(scenario, figures, null, new MemoryTrend(samples.subList(0, 30)))
                .getLast()
                .holds())
        .isTrue();
    LoadReport report =
        new LoadReport(
            scenario,
            "here",
            1,
            figures,
            Calls.report(scenario, figures).generator(),
            List.of(check),
            List.of(),
            grown);
    assertThat(report.json().path("memory").path("growth_share").asDouble())
        .isCloseTo(0.06, within(1e-9));
    assertThat(LoadPage.html(report)).contains("Memory, MB");
    assertThat(LoadTable.of(report)).contains("memory: 106 MB at the end");
  }

  @Test
  void goodputIsWhatCameInTime() {
    LoadScenario scenario =
        Calls.scenario(
            "slos: [{error_budget: 1, within: 10ms}, {of: SCORE, error_budget: 1, within: 1s}]");
    LoadReport report = Calls.report(scenario, Calls.load(scenario, 0.01, 1));
    // of 75 suggestions/s, 1 − 1/e are in time, and all of 25 scores/s
    assertThat(report.goodPerSecond()).isCloseTo(75 * (1 - Math.exp(-1)) + 25, within(3.0));
    assertThat(report.answeredPerSecond()).isEqualTo(100);
  }
}
