package io.ballast.standalone.demo.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.chart.Axis;
import io.ballast.loadtest.chart.Markup;
import io.ballast.standalone.demo.flow.DemoResult;
import io.ballast.standalone.demo.flow.SummaryText;
import io.ballast.standalone.demo.flow.TestDemo;
import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Metric;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

/** What the demo leaves behind holds its numbers, and nothing that came from outside unescaped. */
class ReportTest {
  private static DemoResult result;

  @TempDir Path folder;

  @BeforeAll
  static void runOnce() throws IOException {
    try (TestDemo demo = new TestDemo()) {
      result = demo.run();
    }
  }

  @Test
  void theJsonHasTheSchemaThatIsPromised() throws IOException {
    Path file = folder.resolve("demo.json");
    DemoJson.write(result, file);
    JsonNode json = new ObjectMapper().readTree(file.toFile());
    assertThat(names(json))
        .containsExactly(
            "positions_count",
            "wall_seconds",
            "metrics",
            "runs",
            "policy_version_before",
            "policy_version_after");
    assertThat(json.get("positions_count").asInt()).isEqualTo(40);
    assertThat(json.get("metrics")).hasSize(4);
    assertThat(json.get("metrics"))
        .extracting(metric -> metric.get("name").asText())
        .containsExactly(
            "accepted_percent",
            "characters_saved_per_suggestion",
            "withheld_percent",
            "parse_breaking_percent");
    for (JsonNode metric : json.get("metrics")) {
      assertThat(names(metric)).containsExactly("name", "before", "after", "difference");
      for (String part : List.of("before", "after", "difference")) {
        assertThat(names(metric.get(part))).containsExactly("value", "low", "high");
        assertThat(metric.get(part).get("low").asDouble())
            .isLessThanOrEqualTo(metric.get(part).get("high").asDouble());
      }
    }
    Comparison.Row accepted = result.comparison().inForce().row(Metric.ACCEPTED_PERCENT);
    assertThat(json.at("/metrics/0/difference/value").asDouble())
        .isEqualTo(accepted.difference().value());
    for (JsonNode run : json.get("runs")) {
      assertThat(names(run))
          .containsExactly(
              "name", "decision", "upper_bound", "threshold", "delta", "n", "certificate_id");
    }
    assertThat(json.at("/runs/0/name").asText()).isEqualTo("constrained");
    assertThat(json.at("/runs/0/decision").asText()).isEqualTo("PROMOTED");
    assertThat(json.at("/runs/0/certificate_id").asText())
        .isEqualTo("certificate-demo-constrained");
    assertThat(json.at("/runs/1/name").asText()).isEqualTo("reward_only");
    assertThat(json.at("/runs/1/decision").asText()).isEqualTo("NO_SOLUTION_FOUND");
    assertThat(json.at("/runs/1/upper_bound").asDouble()).isEqualTo(0.28);
    assertThat(json.at("/runs/1/certificate_id").isNull()).isTrue();
    assertThat(json.get("policy_version_after").asText()).isEqualTo("demo-constrained-0a1b2c3d");
  }

  @Test
  void thePageHoldsEveryNumberOfTheTables() {
    String page = HtmlReport.of(result);
    for (Comparison comparison :
        List.of(result.comparison().inForce(), result.comparison().asWritten())) {
      for (Comparison.Row row : comparison.rows()) {
        int decimals = row.metric().decimals();
        assertThat(page)
            .contains(SummaryText.show(row.before(), decimals, false))
            .contains(SummaryText.show(row.after(), decimals, false))
            .contains(SummaryText.show(row.difference(), decimals, true));
      }
    }
    assertThat(page)
        .contains(
            "0.2800", "0.1700", "No Solution Found", "Certificate certificate-demo-constrained")
        .contains("digest: matches");
  }

  @Test
  void thePageNeedsNoNetworkAndNoScript() {
    assertThat(HtmlReport.of(result))
        .doesNotContain("http://", "https://", "<script", "src=", "@import", "url(");
  }

  @Test
  void theTerminalSaysWhatIsNoise() {
    assertThat(SummaryText.of(result))
        .contains("40 positions in")
        .contains("serving now: version demo-constrained-0a1b2c3d")
        .containsPattern("accepted %: (better|WORSE|no difference)");
  }

  @Test
  void textFromFilesIsEscaped() {
    assertThat(Markup.escape("a < b && \"c\" > 'd'"))
        .isEqualTo("a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
    assertThat(
            new Markup().element("td", "<script>", "title", "\"x\" onload='y'").toString().strip())
        .isEqualTo("<td title=\"&quot;x&quot; onload=&#39;y&#39;\">&lt;script&gt;</td>");
  }

  @Test
  void everyPlotIsWellFormedAndWithinItsSheet() throws Exception {
    String page = HtmlReport.of(result);
    int plots = 0;
    for (int from = page.indexOf("<svg"); from >= 0; from = page.indexOf("<svg", from + 1)) {
      String svg = page.substring(from, page.indexOf("</svg>", from) + "</svg>".length());
      var document =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new InputSource(new StringReader(svg)));
      double width = Double.parseDouble(document.getDocumentElement().getAttribute("width"));
      var lines = document.getElementsByTagName("line");
      for (int i = 0; i < lines.getLength(); i++) {
        var attributes = lines.item(i).getAttributes();
        assertThat(Double.parseDouble(attributes.getNamedItem("x1").getNodeValue()))
            .isBetween(0.0, width);
        assertThat(Double.parseDouble(attributes.getNamedItem("y1").getNodeValue()))
            .isBetween(0.0, 260.0);
      }
      plots++;
    }
    assertThat(plots).isEqualTo(18);
  }

  @Test
  void ticksAreRoundNumbersWithinTheAxis() {
    Axis axis = Axis.of(List.of(0.0, 37.0), 200, 20);
    assertThat(axis.ticks()).containsExactly(0.0, 10.0, 20.0, 30.0);
    assertThat(axis.label(20)).isEqualTo("20");
    assertThat(axis.at(0)).isEqualTo(200);
    Axis small = Axis.of(List.of(0.021, 0.024), 200, 20);
    assertThat(small.ticks()).allMatch(tick -> tick >= small.least() && tick <= small.most());
    assertThat(small.label(small.ticks().getFirst())).matches("0\\.\\d{3,4}");
    assertThat(Axis.of(List.of(5.0, 5.0), 0, 10).most()).isGreaterThan(5);
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
