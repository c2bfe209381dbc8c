package io.ballast.loadtest.chart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A chart as a file of its own, which a page, a browser or a README shows as a picture. */
public final class SvgFile {
  private static final String STYLE =
      """
      svg{background:#fff} text{font:11px system-ui,sans-serif;fill:#4b545e} .title{font-weight:600;font-size:12px;fill:#1d2329}
      .value{font-weight:600} .end{text-anchor:end} .middle{text-anchor:middle} .grid{stroke:#eceff2}
      .level{stroke:#b3261e;stroke-dasharray:5 4} .whisker{stroke:#1d2329;stroke-width:1.3} .line{fill:none;stroke-width:1.8}
      """;

  private SvgFile() {}

  /**
   * Writes a chart.
   *
   * @param chart one svg element, as {@link LineChart} draws it
   */
  public static void write(Markup chart, Path file) throws IOException {
    Files.writeString(file, of(chart), StandardCharsets.UTF_8);
  }

  /** Returns the file's text. */
  static String of(Markup chart) {
    String svg = chart.toString();
    if (!svg.startsWith("<svg ")) {
      throw new IllegalArgumentException("chart: no svg element (expected: one, the outermost)");
    }
    int open = svg.indexOf('>') + 1;
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" "
        + svg.substring("<svg ".length(), open)
        + "<style>"
        + STYLE
        + "</style>\n"
        + svg.substring(open);
  }
}
