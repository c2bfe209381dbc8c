package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.testing.Composites;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A file that is wrong is refused with the place and what is expected there. */
class RecipeReaderTest {
  private static final String X = "{'kind': 'regex', 'pattern': 'x'}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}                                    | 'x'  | $.components: {} (expected: an object of 1"
            + " to 32 components)",
        "{'x': 1}                              | 'x'  | $.components.x: 1 (expected: an object)",
        "{'X': {'kind': 'regex'}}              | 'X'  | $.components.X: a name (expected",
        "{'x': {'pattern': 'x'}}               | 'x'  | $.components.x.kind: absent",
        "{'x': {'kind': 'oracle'}}             | 'x'  | $.components.x.kind: \"oracle\" (expected:"
            + " \"learned\", \"regex\"",
        "{'x': {'kind': 'regex'}}              | 'x'  | $.components.x.pattern: absent (expected: a"
            + " text)",
        "{'x': {'kind': 'regex', 'pattern': 'x', 'patern': 'y'}} | 'x' | $.components.x.patern:"
            + " unknown",
        "{'x': {'kind': 'regex', 'pattern': 'x', 'find': 'some'}} | 'x' | $.components.x.find:"
            + " \"some\" (expected: \"anywhere\", \"whole\")",
        "{'x': {'kind': 'regex', 'pattern': 'x', 'dot_all': 1}} | 'x' | $.components.x.dot_all: 1"
            + " (expected: true or false)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | 'y' | $.reward: there is no component \"y\""
            + " (there are: [x])",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'sum': [{'weight': 1, 'of': {'max': ['x']}}]}"
            + " | $.reward.sum[0].of: no operation (expected",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'sum': [{'of': 'x'}]} |"
            + " $.reward.sum[0].weight: absent (expected: a number)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'min': []} | $.reward.min: [] (expected: a"
            + " list, not empty)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'min': ['x'], 'of': 'x'} | $.reward.of:"
            + " unknown (expected: one of min)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'min': ['x'], 'sum': [{'weight': 1, 'of':"
            + " 'x'}]} | $.reward.min: unknown (expected: one of sum)",
        "{'x': {'kind': 'length', 'free': 1, 'limit': 2, 'tokens_of': 'x'}} | 'x' |"
            + " $.components.x.tokens_of: unknown (expected: one of free, kind, limit, unit)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'standardise': 'x', 'mean': 0, 'std': 0} |"
            + " $.reward.std: 0 (expected: a number from 1.0E-9",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'clip': 'x', 'low': 1, 'high': 0} |"
            + " $.reward.high: 0.0 (expected: at least low, 1.0)",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | {'gate': 'x', 'then': 1} | $.reward.else:"
            + " absent (expected",
        "{'x': {'kind': 'regex', 'pattern': 'x'}} | 1 | $.components.x: stands nowhere in $.reward",
        "{'x': {'kind': 'learned', 'model': 'm', 'version': '1', 'weights_sha256': 'abc'}} | 'x' |"
            + " $.components.x.weights_sha256: \"abc\" (expected: 64",
      })
  void theMessageNamesThePath(String components, String reward, String message) {
    assertThatThrownBy(() -> RecipeReader.read(Composites.json(components, reward)))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void theRestOfTheFileIsReadAsStrictly() {
    assertThatThrownBy(() -> RecipeReader.read("{"))
        .hasMessageStartingWith("$: not JSON: ")
        .hasMessageContaining("line 1");
    assertThatThrownBy(() -> RecipeReader.read("{\"format\": \"x\"}"))
        .hasMessage("$.format: \"x\" (expected: \"ballast-composite\")");
    String json = Composites.json("{'x': " + X + "}", "'x'");
    assertThatThrownBy(() -> RecipeReader.read(json.replaceFirst("\\{", "{\"a\": 1, ")))
        .hasMessage(
            "$.a: unknown (expected: one of components, description, format, preference_scale, reward)");
    assertThatThrownBy(
            () ->
                RecipeReader.read(
                    Composites.json("{'x': {'kind': 'repetition', 'n_gram': 2}}", "'x'")))
        .hasMessage("$.components.x.n_gram: unknown (expected: one of kind, ngram, unit)");
    assertThatThrownBy(
            () -> RecipeReader.read(json.replaceFirst("\\{", "{\"preference_scale\": 0, ")))
        .hasMessageStartingWith("$.preference_scale: 0 (expected: a number from");
    String twice = json.replace("\"reward\"", "\"format\"");
    assertThatThrownBy(() -> RecipeReader.read(twice)).hasMessageContaining("Duplicate field");
  }

  @Test
  void aTreeTooDeepIsRefused() {
    String deep = "{'min': [".repeat(40) + "'x'" + "]}".repeat(40);

    assertThatThrownBy(() -> RecipeReader.read(Composites.json("{'x': " + X + "}", deep)))
        .hasMessageContaining("too large a tree (expected: at most 32 deep, 256 nodes)");
  }

  @Test
  void settingsAreKeptAsTheyStand() {
    Recipe recipe = RecipeReader.read(Composites.json("{'x': " + X + "}", "{'min': ['x', 1.50]}"));

    assertThat(recipe.parts().getFirst().settingsJson())
        .isEqualTo("{\"kind\":\"regex\",\"pattern\":\"x\"}");
    assertThat(recipe.rewardJson()).isEqualTo("{\"min\":[\"x\",1.50]}");
    assertThat(recipe.preferenceScale()).isEmpty();
  }
}
