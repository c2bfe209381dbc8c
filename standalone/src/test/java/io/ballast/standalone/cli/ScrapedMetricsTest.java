package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.cli.ScrapedMetrics.Series;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The text format of Prometheus, as the servers write it. */
class ScrapedMetricsTest {
  private static final ScrapedMetrics METRICS =
      ScrapedMetrics.parse(
          """
          # HELP calls_total Calls
          # TYPE calls_total counter
          calls_total{method="a/B",code="OK"} 3.0
          calls_total{code="NOT_FOUND",method="a/B"} 2.0
          up 1.0
          odd{text="a \\"quoted\\", {braced} \\\\ word"} 1.5E9
          latest{run="x"} NaN
          bound{le="+Inf"} +Inf
          with_exemplar_bucket{le="1.0"} 4.0 # {trace_id="ab"} 0.5 1.7
          this line is none
          """);

  @Test
  void seriesHaveLabelsAndValues() {
    assertThat(METRICS.series("calls_total"))
        .containsExactly(
            new Series(Map.of("method", "a/B", "code", "OK"), 3),
            new Series(Map.of("method", "a/B", "code", "NOT_FOUND"), 2));
    assertThat(METRICS.sum("calls_total")).isEqualTo(5);
    assertThat(METRICS.sum("up")).isEqualTo(1);
    assertThat(METRICS.series("bound"))
        .singleElement()
        .extracting(Series::value)
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(METRICS.sum("with_exemplar_bucket")).isEqualTo(4);
  }

  @Test
  void quotesInLabelsAreText() {
    assertThat(METRICS.series("odd"))
        .containsExactly(new Series(Map.of("text", "a \"quoted\", {braced} \\ word"), 1.5e9));
  }

  @Test
  void whatIsNotThereIsNothing() {
    assertThat(METRICS.series("latest")).isEmpty();
    assertThat(METRICS.sum("unknown")).isZero();
    assertThat(METRICS.series("this")).isEmpty();
  }
}
