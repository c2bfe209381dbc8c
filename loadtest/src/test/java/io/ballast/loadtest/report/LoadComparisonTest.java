package io.ballast.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.report.LoadComparison.Judgement;
import io.ballast.loadtest.scenario.LoadScenario;
import java.util.List;
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
      assertThat(judged(load(0.005, 2 * seed), load(0.005, 2 * seed + 1), 0))
          .containsOnly(Judgement.SAME);
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

  @Test
  void tooShortALoadTellsNothing() {
    LoadScenario brief =
        Calls.scenario("max_calls: 5")
            .with(List.of(Calls.SCENARIO.phases().getLast()).subList(0, 1));
    LoadScenario shorter =
        brief.with(
            List.of(
                new io.ballast.loadtest.scenario.Phase(
                    "hold",
                    io.ballast.loadtest.scenario.Phase.Shape.HOLD,
                    1,
                    1,
                    java.time.Duration.ofSeconds(2),
                    true)));
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
