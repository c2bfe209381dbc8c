package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is told of PostgreSQL's plans. */
class QueryPlanTest {
  /** As PostgreSQL says it, without what is not asked: the second month was never looked into. */
  private static final String PAGE =
      """
      {"Query Text": "select ...", "Plan": {"Node Type": "Limit", "Actual Rows": 1, "Actual Loops": 1, "Plans": [
        {"Node Type": "Merge Append", "Actual Loops": 1, "Plans": [
          {"Node Type": "Index Scan", "Relation Name": "feedback_event_2026_11", "Alias": "e_1",
            "Actual Loops": 1},
          {"Node Type": "Seq Scan", "Relation Name": "feedback_event_2026_12", "Alias": "e_2",
            "Actual Loops": 0}]},
        {"Node Type": "Index Scan", "Relation Name": "suggestion_2026_11", "Actual Loops": 3}]}}
      """;

  private static final String KEY =
      """
      {"Plan": {"Node Type": "Seq Scan", "Relation Name": "feedback_key", "Actual Loops": 1}}
      """;

  @Test
  void stepsAndTablesAreThoseThatWereLookedInto() {
    QueryPlan page = QueryPlan.parse(PAGE);

    assertThat(page.steps()).containsExactlyInAnyOrder("Limit", "Merge Append", "Index Scan");
    assertThat(page.tables())
        .containsExactlyInAnyOrder("feedback_event_2026_11", "suggestion_2026_11");
  }

  @Test
  void twoPlansDifferByTheStepsThatOneOfThemHas() {
    QueryPlan page = QueryPlan.parse(PAGE);
    QueryPlan key = QueryPlan.parse(KEY);

    assertThat(page.otherSteps(page)).isEmpty();
    assertThat(page.otherSteps(key))
        .containsExactlyInAnyOrder("Limit", "Merge Append", "Index Scan", "Seq Scan");
    assertThat(page.and(key).otherSteps(page)).containsExactly("Seq Scan");
    assertThat(key.and(key).tables()).isEqualTo(Set.of("feedback_key"));
  }

  @Test
  void figuresSayHowManyTablesAndOtherSteps() {
    QueryPlan page = QueryPlan.parse(PAGE);
    QueryPlan key = QueryPlan.parse(KEY);

    assertThat(
            new EventPlans(page, page, page, page).beside(new EventPlans(key, page, key, key), 10))
        .extracting(Figure::value)
        .as("tables, then steps; the second plan is the same")
        .containsExactly(2.0, 4.0, 2.0, 0.0, 2.0, 4.0, 2.0, 4.0);
  }

  @Test
  void whatIsNoPlanOfAStatementThatWasRunIsRefused() {
    assertThatThrownBy(() -> QueryPlan.parse("Seq Scan on suggestion"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("no plan: ");
    assertThatThrownBy(() -> QueryPlan.parse("{\"Plan\": {\"Node Type\": \"Limit\"}}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("no plan of a statement that was run: ");
  }
}
