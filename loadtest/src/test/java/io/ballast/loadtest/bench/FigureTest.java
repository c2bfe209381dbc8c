package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Figures are medians of pairs, and every goal can be missed. */
class FigureTest {
  private static DoubleSupplier each(double... values) {
    Iterator<Double> iterator = Arrays.stream(values).boxed().toList().iterator();
    return iterator::next;
  }

  @Test
  void theRatioIsTheMedianOverPairsNotTheRatioOfMedians() {
    // the first pair warms up; of the others the ratios are 0.5, 2 and 0.9
    Figure figure =
        Pairs.measure(3, each(1, 10, 20, 90), each(1_000, 20, 10, 100), () -> {})
            .figure("f", "items/s", new Goal.RatioAtLeast(0.85));

    Figure.Comparison comparison = figure.comparison().orElseThrow();
    assertThat(figure.value()).isEqualTo(20);
    assertThat(comparison.baseline()).isEqualTo(20);
    assertThat(comparison.ratio()).isCloseTo(0.9, within(1e-12));
    assertThat(comparison.lowRatio()).isCloseTo(0.5, within(1e-12));
    assertThat(comparison.highRatio()).isCloseTo(2, within(1e-12));
    assertThat(figure.holds()).isTrue();
  }

  @Test
  void bothGoFirstInTurns() {
    List<String> order = new ArrayList<>();
    Pairs.measure(
        2,
        () -> {
          order.add("value");
          return 1;
        },
        () -> {
          order.add("baseline");
          return 1;
        },
        () -> order.add("|"));
    assertThat(String.join(" ", order))
        .isEqualTo("baseline value | value baseline | baseline value |");
  }

  @Test
  void goalsAreMissedToo() {
    assertThat(new Goal.RatioAtLeast(0.85).holds(9, OptionalDouble.of(0.849))).isFalse();
    assertThat(new Goal.RatioAtLeast(0.85).holds(9, OptionalDouble.empty())).isFalse();
    assertThat(new Goal.RatioAtLeast(0.85).holds(9, OptionalDouble.of(0.85))).isTrue();
    assertThat(new Goal.RatioAtMost(1.3).holds(9, OptionalDouble.of(1.31))).isFalse();
    assertThat(new Goal.RatioAtMost(1.3).holds(9, OptionalDouble.empty())).isFalse();
    assertThat(new Goal.RatioAtMost(1.3).holds(9, OptionalDouble.of(1.3))).isTrue();
    assertThat(new Goal.Below(6).holds(6, OptionalDouble.empty())).isFalse();
    assertThat(new Goal.Below(6).holds(5.99, OptionalDouble.empty())).isTrue();
    assertThat(new Goal.Reported().holds(Double.NaN, OptionalDouble.empty())).isFalse();
  }

  @Test
  void theListHasWhatTheMachineReads() throws IOException {
    List<Figure> figures =
        List.of(
            Pairs.measure(1, each(1, 8), each(1, 10), () -> {})
                .figure("Score", "items/s", new Goal.RatioAtLeast(0.85)),
            Pairs.alone("cold start", "s", List.of(5.0, 7.0, 5.5), new Goal.Below(6)));
    JsonNode json = new ObjectMapper().readTree(FigureReport.json(figures));

    assertThat(json).allSatisfy(FigureTest::requireTheFields);
    assertThat(json.path(0).path("figure").asText()).isEqualTo("Score");
    assertThat(json.path(0).path("value").asDouble()).isEqualTo(8);
    assertThat(json.path(0).path("unit").asText()).isEqualTo("items/s");
    assertThat(json.path(0).path("baseline").asDouble()).isEqualTo(10);
    assertThat(json.path(0).path("ratio").asDouble()).isEqualTo(0.8);
    assertThat(json.path(0).path("goal").asText()).isEqualTo("ratio >= 0.85");
    assertThat(json.path(0).path("holds").asBoolean(true)).isFalse();
    assertThat(json.path(1).path("value").asDouble()).isEqualTo(5.5);
    assertThat(json.path(1).path("baseline").isNull()).isTrue();
    assertThat(json.path(1).path("goal").asText()).isEqualTo("value < 6.00");
    assertThat(json.path(1).path("holds").asBoolean(false)).isTrue();
    assertThat(FigureReport.table(figures)).contains("NO", "5.00 to 7.00");
  }

  @Test
  void whatCouldNotBeMeasuredMissesEveryGoal() throws IOException {
    List<Figure> figures =
        Stream.of(
                new Goal.RatioAtLeast(0),
                new Goal.RatioAtMost(9),
                new Goal.Below(9),
                new Goal.Reported())
            .map(goal -> Figure.unmeasured("beside a peer", "items/s", goal))
            .toList();
    JsonNode json = new ObjectMapper().readTree(FigureReport.json(figures));

    assertThat(figures).noneMatch(Figure::holds);
    assertThat(FigureReport.table(figures).lines().skip(1))
        .allMatch(line -> line.endsWith("NOT MEASURED"));
    assertThat(json)
        .hasSize(4)
        .allSatisfy(FigureTest::requireTheFields)
        .allSatisfy(figure -> assertThat(figure.path("value").isNull()).isTrue())
        .allSatisfy(figure -> assertThat(figure.path("holds").asBoolean(true)).isFalse());
  }

  private static void requireTheFields(JsonNode figure) {
    assertThat(figure.fieldNames())
        .toIterable()
        .containsExactly("figure", "value", "unit", "baseline", "ratio", "goal", "holds");
  }

  @Test
  void aClosedLoopCountsWhatItsCallsDid() {
    long[] now = new long[1];
    try (ExecutorService one = Executors.newSingleThreadExecutor()) {
      double rate =
          ClosedLoop.itemsPerSecond(
              1,
              Duration.ofSeconds(2),
              one,
              () -> now[0],
              index -> {
                now[0] += 500_000_000; // each call takes half a second
                return 8;
              });
      assertThat(rate).isEqualTo(16);
    }
  }

  @Test
  void aCallThatFailsFailsTheFigure() {
    try (ExecutorService one = Executors.newSingleThreadExecutor()) {
      assertThatThrownBy(
              () ->
                  ClosedLoop.itemsPerSecond(
                      1,
                      Duration.ofSeconds(1),
                      one,
                      System::nanoTime,
                      index -> {
                        throw new IllegalStateException("no score");
                      }))
          .isInstanceOf(CompletionException.class)
          .hasRootCauseMessage("no score");
    }
  }
}
