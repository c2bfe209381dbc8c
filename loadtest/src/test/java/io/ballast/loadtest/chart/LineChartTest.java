package io.ballast.loadtest.chart;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Lines are drawn over what there is, and over nothing else. */
class LineChartTest {
  private static Series line(String name, String dash, double... ys) {
    List<Series.Point> points =
        IntStream.range(0, ys.length).mapToObj(i -> new Series.Point(i, ys[i])).toList();
    return new Series(name, "#123456", dash, points);
  }

  private static List<String> lines(String svg) {
    return Pattern.compile("<polyline points=\"([^\"]*)\"")
        .matcher(svg)
        .results()
        .map(found -> found.group(1))
        .toList();
  }

  @Test
  void aGapIsNotDrawnOver() {
    String svg =
        LineChart.of(
                "t", "n", List.of(line("A", "6 3", 1, 2, Double.NaN, 3, 4, Double.NaN, 5)), null)
            .toString();

    assertThat(lines(svg))
        .hasSize(2)
        .allSatisfy(points -> assertThat(points.split(" ")).hasSize(2));
    assertThat(svg.split("<circle", -1)).as("the last point, which stands alone").hasSize(1 + 2);
    assertThat(svg).doesNotContain("NaN").contains("<title>A: 5.000</title>");
  }

  @Test
  void theAxisIsThatOfTheNumbersThereAre() {
    String svg =
        LineChart.of("t", "n", List.of(line("A", "none", 10, Double.NaN, 12)), null).toString();

    assertThat(svg).contains(">10.0<").contains(">12.0<").doesNotContain("NaN");
  }

  @Test
  void theLegendShowsTheDashAndNothingForWhatHasNoName() {
    String svg =
        LineChart.of("t", "n", List.of(line("A", "6 3", 1, 2), line("", "1 3", 2, 3)), null)
            .toString();

    assertThat(svg.split("stroke-dasharray=\"6 3\"", -1)).as("line and legend").hasSize(1 + 2);
    assertThat(svg.split("stroke-dasharray=\"1 3\"", -1)).as("line").hasSize(1 + 1);
  }

  @Test
  void smallNumbersAreLabelledByTheirPowerOfTen() {
    Axis axis = Axis.of(List.of(1e-7, 4e-7), 0, 100);

    assertThat(axis.label(2e-7)).isEqualTo("2e-7");
    assertThat(axis.label(-1.5e-7)).isEqualTo("-1.5e-7");
    assertThat(axis.label(0)).isEqualTo("0");
    assertThat(Axis.of(List.of(0.0, 0.004), 0, 100).label(0.002)).isEqualTo("0.002");
  }
}
