package io.ballast.standalone.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.standalone.experiment.Claim.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A claim holds only if its whole interval says so; what does not decide is not called false. */
class ClaimTest {
  private static Claim claim(double low, double high, Rule rule) {
    return new Claim("it rises", "a paper", (low + high) / 2, low, high, rule);
  }

  @Test
  void theWholeIntervalDecides() {
    assertThat(claim(0.1, 0.3, Rule.above(0)).verdict()).isEqualTo(Verdict.HOLDS);
    assertThat(claim(-0.1, 0.3, Rule.above(0)).verdict()).isEqualTo(Verdict.NOT_SHOWN);
    assertThat(claim(-0.3, -0.1, Rule.above(0)).verdict()).isEqualTo(Verdict.CONTRADICTED);
    assertThat(claim(-0.3, -0.1, Rule.below(0)).verdict()).isEqualTo(Verdict.HOLDS);
    assertThat(claim(-0.3, 0.1, Rule.below(0)).verdict()).isEqualTo(Verdict.NOT_SHOWN);
    assertThat(claim(0.1, 0.3, Rule.below(0)).verdict()).isEqualTo(Verdict.CONTRADICTED);
  }

  @Test
  void theLineItselfIsPartOfAtLeastAlone() {
    assertThat(claim(0, 0, Rule.atLeast(0)).holds()).isTrue();
    assertThat(claim(0, 0, Rule.above(0)).verdict()).isEqualTo(Verdict.NOT_SHOWN);
    assertThat(claim(0, 0, Rule.below(0)).verdict()).isEqualTo(Verdict.NOT_SHOWN);
  }

  @Test
  void aPromiseThatMayBeUsedUpIsOnlyDenied() {
    assertThat(claim(0.08, 0.12, Rule.notAbove(0.1)).verdict()).isEqualTo(Verdict.HOLDS);
    assertThat(claim(0.1, 0.12, Rule.notAbove(0.1)).verdict()).isEqualTo(Verdict.HOLDS);
    assertThat(claim(0.11, 0.12, Rule.notAbove(0.1)).verdict()).isEqualTo(Verdict.CONTRADICTED);
  }

  @Test
  void aNumberThatIsNoneIsRefused() {
    assertThatThrownBy(() -> new Claim("c", "s", Double.NaN, 0, 1, Rule.above(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> new Claim("c", "s", 2, 0, 1, Rule.above(0)))
        .hasMessage("c: 2.0 in [0.0, 1.0] (expected: finite, low ≤ value ≤ high)");
  }

  @Test
  void theJsonHasTheSchemaThatIsPromised() {
    JsonNode json = ClaimsJson.of(List.of(claim(0.1, 0.3, Rule.above(0))));
    assertThat(names(json)).containsExactly("claims");
    JsonNode claim = json.at("/claims/0");
    assertThat(names(claim)).containsExactly("claim", "source", "value", "low", "high", "holds");
    assertThat(claim.path("value").asDouble()).isEqualTo(0.2);
    assertThat(claim.path("holds").isBoolean()).isTrue();
    assertThat(claim.path("holds").asBoolean()).isTrue();
  }

  @Test
  void whatCouldNotBeMeasuredDoesNotHoldAndSaysWhy() {
    Claim claim = Claim.notMeasured("it rises", "a paper", Rule.notAbove(1), "it\nfell | over");
    assertThat(claim.holds()).isFalse();
    assertThat(claim.verdict()).isEqualTo(Verdict.NOT_MEASURED);
    JsonNode json = ClaimsJson.of(List.of(claim)).at("/claims/0");
    assertThat(names(json))
        .containsExactly("claim", "source", "value", "low", "high", "holds", "missing");
    assertThat(json.path("value").isNull()).isTrue();
    assertThat(json.path("high").isNull()).isTrue();
    assertThat(json.path("holds").asBoolean(true)).isFalse();
    assertThat(json.path("missing").asText()).isEqualTo("it\nfell | over");
    assertThat(ReportPage.of(new ExperimentReport(List.of(claim), List.of(), List.of()), ""))
        .contains("| it rises | a paper | – | – | low ≤ 1 | not measured: it fell \\| over |");
  }

  @Test
  void thePageShowsRuleAndVerdict() {
    String page =
        ReportPage.of(
            new ExperimentReport(
                List.of(claim(0.1, 0.3, Rule.above(0)), claim(-0.1, 0.3, Rule.atLeast(0.05))),
                List.of(new ExperimentReport.Section("More", "A table.")),
                List.of()),
            "plots");
    assertThat(page)
        .contains("| it rises | a paper | +0.200 | [+0.100, +0.300] | low > 0 | **holds** |")
        .contains("| low ≥ 0.05 | not shown |")
        .endsWith("\n## More\n\nA table.\n");
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
