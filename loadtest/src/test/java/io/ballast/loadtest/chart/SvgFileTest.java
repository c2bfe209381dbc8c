package io.ballast.loadtest.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A chart in a file is a picture by itself: its own name space, its own style. */
class SvgFileTest {
  @TempDir Path folder;

  @Test
  void aBrowserCanShowIt() throws Exception {
    Path file = folder.resolve("chart.svg");
    SvgFile.write(
        LineChart.of(
            "a < b",
            "n",
            List.of(
                new Series(
                    "one", "#123456", List.of(new Series.Point(0, 1), new Series.Point(2, 3)))),
            null),
        file);
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    var document = factory.newDocumentBuilder().parse(file.toFile()).getDocumentElement();
    assertThat(document.getNamespaceURI()).isEqualTo("http://www.w3.org/2000/svg");
    assertThat(document.getAttribute("aria-label")).isEqualTo("a < b");
    assertThat(document.getElementsByTagName("style").getLength()).isEqualTo(1);
    assertThat(document.getElementsByTagName("polyline").getLength()).isEqualTo(1);
  }

  @Test
  void whatIsNoChartIsRefused() {
    assertThatThrownBy(() -> SvgFile.of(new Markup().element("p", "text")))
        .hasMessage("chart: no svg element (expected: one, the outermost)");
  }
}
