package io.ballast.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.Mix;
import org.junit.jupiter.api.Test;

/** Every call is counted where it belongs, and parts add up to the whole. */
class LoadFiguresTest {
  @Test
  void callsAreCountedByPhaseStepAndTime() {
    LoadFigures figures = Calls.figures(Calls.SCENARIO);
    figures.accept(
        Calls.call(0, 9.999, 0.5, Fate.ANSWERED)); // of the warm-up, though it ends later
    figures.accept(Calls.call(1, 10, 0.010, Fate.ANSWERED));
    figures.accept(Calls.call(2, 10.5, 0.030, Fate.ANSWERED));
    figures.accept(Calls.call(3, 11, 0, Fate.SHED));
    figures.accept(Calls.call(4, 39.9, 0, Fate.DROPPED));

    assertThat(figures.total().planned()).isEqualTo(4);
    assertThat(figures.total().answered()).isEqualTo(2);
    assertThat(figures.total().latency(100)).isCloseTo(0.030, within(1e-4));
    assertThat(figures.total().goodWithin(0.020)).isEqualTo(1);
    assertThat(figures.total().goodWithin(Double.POSITIVE_INFINITY)).isEqualTo(2);
    assertThat(figures.total().failures()).containsOnlyKeys("SHED", "DROPPED");
    assertThat(figures.phases().get(0).planned()).isEqualTo(1);
    assertThat(figures.phases().get(1).planned()).isEqualTo(4);
    assertThat(figures.intervals()).hasSize(40);
    assertThat(figures.intervals().get(10).answered()).isEqualTo(2);
    assertThat(figures.intervals().get(39).count(Fate.DROPPED)).isEqualTo(1);
    assertThat(figures.sendDelay(100)).isCloseTo(1e-4, within(1e-6));
    var interval = figures.json().path("intervals").get(10);
    assertThat(interval.path("good_count").asInt()).as("10 ms of 20, and not 30").isEqualTo(1);
    assertThat(
            interval.path("steps").get(0).path("answered_count").asInt()
                + interval.path("steps").get(1).path("answered_count").asInt())
        .isEqualTo(2);
    Mix mix = new Mix(Calls.SCENARIO.mix(), Calls.SCENARIO.seed());
    long scores = 0;
    for (int i = 1; i <= 4; i++) {
      scores += mix.stepAt(i) == 1 ? 1 : 0;
    }
    assertThat(figures.of("SCORE").planned()).isEqualTo(scores);
    assertThat(figures.of("SUGGEST").planned()).isEqualTo(4 - scores);
  }

  @Test
  void whatTwoProcessesSawIsWhatOneWouldHaveSeen() {
    LoadFigures whole = Calls.figures(Calls.SCENARIO);
    LoadFigures first = Calls.figures(Calls.SCENARIO);
    LoadFigures second = Calls.figures(Calls.SCENARIO);
    for (int i = 0; i < 1_000; i++) {
      var call =
          Calls.call(i, i * 0.04, 0.001 * (i % 77), i % 9 == 0 ? Fate.FAILED : Fate.ANSWERED);
      whole.accept(call);
      (i % 2 == 0 ? first : second).accept(call);
    }
    first.add(second);
    assertThat(numbers(first)).isEqualTo(numbers(whole));
  }

  /** All that is told, but for means, whose last bits are of the order, and encoded histograms. */
  private static String numbers(LoadFigures figures) {
    return figures
        .json()
        .toString()
        .replaceAll("\"mean\":[^,]*,", "")
        .replaceAll("\"latency_us_histogram\":\"[^\"]*\"", "");
  }

  @Test
  void whatIsWrittenIsRead() throws JsonProcessingException {
    LoadFigures figures = Calls.load(Calls.SCENARIO, 0.01, 3);
    LoadFigures read = Calls.figures(Calls.SCENARIO);
    read.read(new ObjectMapper().readTree(figures.json().toString()));

    assertThat(numbers(read)).isEqualTo(numbers(figures));
    assertThat(read.total().goodWithin(0.01)).isEqualTo(figures.total().goodWithin(0.01));
    assertThatThrownBy(
            () -> Calls.figures(Calls.scenario("seed: 2")).read(new ObjectMapper().readTree("{}")))
        .hasMessageContaining("no histogram");
  }
}
