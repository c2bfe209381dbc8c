package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Specs differ where they mean something else, not where they are written otherwise. */
class SpecDifferencesTest {
  private static final String LEAST =
      """
      name: least
      prompts: {inline: [a]}
      safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
      """;

  private static List<SpecDifferences.Row> of(String... specs) {
    return SpecDifferences.of(List.of(specs));
  }

  @Test
  void whatIsWrittenOtherwiseIsNoDifference() {
    String json =
        """
        {"safety_test": {"prompts": {"inline": ["b", "c"]}, "threshold": 3e-1},
         "prompts": {"inline": ["a"]}, "name": "least"}
        """;

    assertThat(of(LEAST, json, "# a comment\n" + LEAST)).isEmpty();
  }

  @Test
  void aDefaultThatIsNamedIsNoDifference() {
    String named =
        LEAST
            + """
            seed: 0
            learning_rate: 1.5e-4
            rollout: {temperature: 1, group_strategy: min_viable_group}
            """;

    assertThat(of(LEAST, named)).isEmpty();
    assertThat(of(named, LEAST)).isEmpty();
  }

  @Test
  void keysThatDifferStandWithAllValues() {
    String warm = LEAST + "iterations: 7\nrollout: {completions_per_prompt: 4}\n";
    String named = LEAST.replace("least", "other") + "iterations: 20\n";

    // 20 is the default, so that the third differs from the first by its name alone
    assertThat(of(LEAST, warm, named))
        .extracting(SpecDifferences.Row::key, SpecDifferences.Row::values)
        .containsExactly(
            tuple("name", List.of("least", "least", "other")),
            tuple("iterations", List.of("–", "7", "20")),
            tuple("rollout.completions_per_prompt", List.of("–", "4", "–")));
  }

  @Test
  void objectsInListsAreComparedKeyByKey() {
    String leak =
        """
        name: least
        prompts: {inline: [a]}
        constraints:
          - {name: harm, target: 0.1, threshold: 0.3}
          - {name: leak, cost: {model: leaks}, threshold: 0.2}
        safety_test: {prompts: {inline: [b, c]}}
        """;

    assertThat(of(leak, leak.replace("0.2", "0.25").replace("0.1", "0.10")))
        .extracting(SpecDifferences.Row::key, SpecDifferences.Row::values)
        .containsExactly(tuple("constraints[1].threshold", List.of("0.2", "0.25")));
  }

  @Test
  void longListsThatBeginAlikeAreToldApart() {
    String many =
        IntStream.range(0, 100)
            .mapToObj(i -> "\"prompt " + i + "\"")
            .collect(Collectors.joining(","));
    String one = LEAST.replace("[a]", "[" + many + "]");
    List<SpecDifferences.Row> rows = of(one, one.replace("prompt 99", "prompt x"));

    assertThat(rows).hasSize(1);
    assertThat(rows.getFirst().key()).isEqualTo("prompts.inline");
    assertThat(rows.getFirst().values())
        .doesNotHaveDuplicates()
        .allSatisfy(
            value ->
                assertThat(value).startsWith("[\"prompt 0\"").contains("… (100 items, sha256 "));
  }

  @Test
  void whatMayBeATextOfAPersonsIsToldByItsKind() {
    String other = LEAST.replace("[a]", "[x, y]") + "rollout: {stop_strings: [z]}\nseed: 7\n";

    assertThat(SpecDifferences.withoutTexts(List.of(LEAST + "seed: 5\n", other)))
        .extracting(SpecDifferences.Row::key, SpecDifferences.Row::values)
        .containsExactlyInAnyOrder(
            tuple("prompts.inline", List.of("a list of 1", "a list of 2")),
            tuple("seed", List.of("5", "7")),
            tuple("rollout.stop_strings", List.of("–", "a list of 1")));
  }

  @Test
  void specsThatWouldBeRefusedTodayAreComparedAsTheyStand() {
    assertThat(of("name: a\ngone: 1\n", "name: a\ngone: 2\nbeside: x\n"))
        .extracting(SpecDifferences.Row::key, SpecDifferences.Row::values)
        .containsExactly(tuple("gone", List.of("1", "2")), tuple("beside", List.of("–", "x")));
  }
}
