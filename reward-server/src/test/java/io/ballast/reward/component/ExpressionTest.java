package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.reward.testing.Composites;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How values become one: a = 3, b = −2, c = 1. */
class ExpressionTest {
  private static final Map<String, Double> VALUES = Map.of("a", 3., "b", -2., "c", 1.);

  @Test
  void eachOperationIsWhatItSays() {
    assertThat(
            value(
                "{'sum': [{'weight': 2, 'of': 'a'}, {'weight': 0.5, 'of': 'b'}, {'weight': 0, 'of':"
                    + " 'c'}]}"))
        .isEqualTo(5);
    assertThat(value("{'product': ['a', 'b', 'c']}")).isEqualTo(-6);
    assertThat(value("{'min': ['a', 'b', 'c', 7]}")).isEqualTo(-2);
    assertThat(value("{'clip': {'product': ['a', 'b', 'c']}, 'low': -5, 'high': 5}")).isEqualTo(-5);
    // (3 · −2 · 1 − 2) / 4
    assertThat(value("{'standardise': {'product': ['a', 'b', 'c']}, 'mean': 2, 'std': 4}"))
        .isEqualTo(-2);
  }

  @Test
  void aGateTakesTheOneWayOrTheOther() {
    assertThat(value("{'gate': 'c', 'then': 'a', 'else': {'min': ['b', -1]}}")).isEqualTo(3);
    assertThat(value("{'gate': 'b', 'then': 'a', 'else': {'min': ['c', -1]}}")).isEqualTo(-1);
    assertThat(value("{'gate': 'c', 'at_least': 1.5, 'then': 'a', 'else': 'b'}")).isEqualTo(-2);
  }

  @Test
  void aWeightIsTheProductOnTheWay() {
    Recipe recipe =
        recipe(
            "{'sum': [{'weight': 2, 'of': {'sum': [{'weight': 3, 'of': 'a'}, {'weight': -1, 'of':"
                + " 'b'}]}}, {'weight': 0.5, 'of': {'min': ['c', 'a']}}]}");

    assertThat(recipe.parts()).extracting(Part::name).containsExactly("a", "b", "c");
    // a: 2 · 3 + 0.5
    assertThat(recipe.parts()).extracting(Part::weight).containsExactly(6.5, -2., .5);
  }

  private static double value(String reward) {
    return recipe(reward).reward().value(VALUES::get);
  }

  private static Recipe recipe(String reward) {
    String any = "{'kind': 'regex', 'pattern': 'x'}";
    return RecipeReader.read(
        Composites.json("{'a': %s, 'b': %s, 'c': %s}".formatted(any, any, any), reward));
  }
}
