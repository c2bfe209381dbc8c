package io.ballast.safety.core.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.safety.core.gate.GateHistory.Kind;
import io.ballast.safety.core.gate.GateHistory.Past;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** What the gate sees of a place and of a suggestion, by name. */
class GateFeaturesTest {
  private static final String METHOD =
      """
      class Point {
        private final int left;
        private final int leftmost;

        int left() {
          return left;
        }

        int leftmost() {
          return left\
      """;

  @Test
  void aPlaceInAWordThatStandsBeforeIsDescribed() {
    assertThat(context("line_characters", METHOD)).isEqualTo("    return left".length());
    assertThat(context("indent_characters", METHOD)).isEqualTo(4);
    assertThat(context("word_characters", METHOD)).isEqualTo(4);
    // left: the field, the method, the first return; the word at the cursor itself is not counted
    assertThat(context("word_occurrences", METHOD)).isEqualTo(log(3));
    // leftmost, twice; nothing else begins with left
    assertThat(context("word_continuations", METHOD)).isEqualTo(log(1));
    assertThat(context("word_continuation_agreement", METHOD)).isEqualTo(1);
    // "return left" stands once before, and its line ended with ;
    assertThat(context("pair_occurrences", METHOD)).isEqualTo(log(1));
    assertThat(context("like_lines", METHOD)).isEqualTo(log(1));
    assertThat(context("like_line_agreement", METHOD)).isEqualTo(1);
    // "t() {\n    return left" is the longest end that stands before: 5 + 1 + 15 characters
    assertThat(context("repeat_characters", METHOD)).isEqualTo(21);
    assertThat(context("open_curly", METHOD)).isEqualTo(2);
    assertThat(context("line_leaves", METHOD)).isEqualTo(1);
    assertThat(context("previous_line_opens", METHOD)).isEqualTo(1);
    assertThat(context("indent_change", METHOD)).isEqualTo(2);
  }

  @Test
  void bracketsInStringsAndCommentsDoNotCount() {
    String prompt = "call(\"((({{{\", /* ((( */ x[";

    assertThat(context("open_round", prompt)).isEqualTo(1);
    assertThat(context("line_open_round", prompt)).isEqualTo(1);
    assertThat(context("open_square", prompt)).isEqualTo(1);
    assertThat(context("open_curly", prompt)).isZero();
    assertThat(context("after_opening", prompt)).isEqualTo(1);
  }

  @Test
  void aCursorInAStringOrACommentIsSeen() {
    assertThat(context("in_quotes", "String s = \"a ")).isEqualTo(1);
    assertThat(context("in_quotes", "char c = '\\")).isEqualTo(1);
    assertThat(context("in_quotes", "String s = \"\"\"\n  a\n")).isEqualTo(1);
    assertThat(context("in_quotes", "String s = \"a\"")).isZero();
    assertThat(context("in_comment", "int x; // so")).isEqualTo(1);
    assertThat(context("in_comment", "int x; // so\n")).isZero();
    assertThat(context("in_comment", "/* so\n on")).isEqualTo(1);
  }

  @Test
  void theSameTailIsTheSamePlaceHoweverLongTheText() {
    String tail = "  int x = 1;\n".repeat(200).substring(0, CodeTail.CHARACTERS);

    assertThat(GateFeatures.context(FeatureSet.TEXT, GateContext.of("ignored (((" + tail)))
        .isEqualTo(GateFeatures.context(FeatureSet.TEXT, GateContext.of(tail)));
  }

  @Test
  void aSuggestionIsSeenInItsPlace() {
    String prompt = "  foo(bar);\n  foo(";

    assertThat(suggestion("occurs_before", prompt, "bar);")).isEqualTo(log(1));
    assertThat(suggestion("occurs_before_with_last_token", prompt, "bar);")).isEqualTo(log(1));
    assertThat(suggestion("line_occurs_before", prompt, "bar);")).isEqualTo(log(1));
    assertThat(suggestion("line_leaves_open_round", prompt, "bar);")).isZero();
    assertThat(suggestion("line_leaves_open_round", prompt, "bar(")).isEqualTo(2);
    assertThat(suggestion("line_overcloses_round", prompt, "bar));")).isEqualTo(1);
    assertThat(suggestion("ends_with_semicolon", prompt, "bar);")).isEqualTo(1);
    assertThat(suggestion("known_identifiers", prompt, "bar, qux);")).isEqualTo(0.5);
    assertThat(suggestion("ends_in_the_middle", prompt, "bar,")).isEqualTo(1);
    assertThat(suggestion("leaves_open_quotes", prompt, "\"bar")).isEqualTo(1);
    assertThat(suggestion("suggestion_characters", prompt, "bar);")).isEqualTo(5);
  }

  @Test
  void logProbabilitiesAreSummedUp() {
    GateSuggestion three =
        new GateSuggestion(
            "a.b", PerToken.of(-0.5f, -2f, -0.25f), Optional.of(StopReason.STOP_STRING));
    float[] vector = GateFeatures.suggestion(FeatureSet.TEXT, GateContext.of("x = "), three);

    assertThat(of(vector, "suggestion_tokens")).isEqualTo(3);
    assertThat(of(vector, "log_prob_sum")).isEqualTo(-2.75);
    assertThat(of(vector, "log_prob_mean")).isCloseTo(-2.75 / 3, within(1e-6));
    assertThat(of(vector, "log_prob_min")).isEqualTo(-2);
    assertThat(of(vector, "log_prob_first")).isEqualTo(-0.5);
    assertThat(of(vector, "log_prob_first_two")).isEqualTo(-2.5);
    assertThat(of(vector, "log_prob_first_four")).isEqualTo(-2.75);
    assertThat(of(vector, "log_prob_last")).isEqualTo(-0.25);
    // only −2 is below ln ½
    assertThat(of(vector, "unlikely_tokens")).isCloseTo(1.0 / 3, within(1e-6));
    assertThat(of(vector, "stopped_at_string")).isEqualTo(1);
    assertThat(of(vector, "stopped_short")).isZero();
  }

  @Test
  void logProbabilitiesThatAreNotKnownAreMissing() {
    float[] vector = GateFeatures.suggestion(FeatureSet.TEXT, GateContext.of("x = "), plain("a.b"));

    for (String name : FeatureSet.TEXT.names(GateStage.SUGGESTION)) {
      boolean ofLogProbs =
          name.startsWith("log_prob_") || name.matches("suggestion_tokens|unlikely_tokens");
      assertThat(Double.isNaN(of(vector, name))).as(name).isEqualTo(ofLogProbs);
    }
  }

  @Test
  void thePastIsSeenByName() {
    GateHistory past =
        new GateHistory(
            List.of(
                new Past(Kind.ACCEPTED, OptionalDouble.of(10)),
                new Past(Kind.EDITED, OptionalDouble.empty()),
                new Past(Kind.REJECTED, OptionalDouble.of(0))),
            5,
            8,
            OptionalInt.of(17));

    assertThat(history("outcome_1", past)).isEqualTo(1);
    assertThat(history("outcome_2", past)).isEqualTo(0.5);
    assertThat(history("outcome_3", past)).isZero();
    assertThat(history("outcome_4", past)).isEqualTo(-1);
    assertThat(history("outcome_1_age", past)).isEqualTo(log(10));
    assertThat(history("outcome_2_age", past)).isEqualTo(-1);
    assertThat(history("accepted_share", past)).isEqualTo(0.625);
    assertThat(history("answered", past)).isEqualTo(8);
    assertThat(history("previous_suggestion_characters", past)).isEqualTo(17);
    // a new user has a past without anything in it; of a stranger nothing is known
    assertThat(history("accepted_share", GateHistory.none())).isEqualTo(-1);
    float[] stranger = GateFeatures.context(FeatureSet.TEXT_AND_HISTORY, GateContext.of(METHOD));
    List<String> names = FeatureSet.TEXT_AND_HISTORY.names(GateStage.CONTEXT);
    for (HistoryFeature feature : HistoryFeature.values()) {
      assertThat(stranger[names.indexOf(feature.label())]).as(feature.label()).isNaN();
    }
  }

  @Test
  void scoresAreSeenByStageTwoAlone() {
    GateSuggestion scored =
        new GateSuggestion(
            ";",
            PerToken.of(-1),
            Optional.empty(),
            new GateScores(
                OptionalDouble.of(1.5), OptionalDouble.empty(), OptionalDouble.of(0.25)));
    List<String> names = FeatureSet.TEXT_AND_HISTORY.names(GateStage.SUGGESTION);
    float[] vector =
        GateFeatures.suggestion(
            FeatureSet.TEXT_AND_HISTORY,
            new GateContext(METHOD, Optional.of(GateHistory.none())),
            scored);

    assertThat(vector).hasSize(names.size());
    assertThat(vector[names.indexOf("reward")]).isEqualTo(1.5f);
    assertThat(vector[names.indexOf("reward_spread")]).isNaN();
    assertThat(vector[names.indexOf("harm_probability")]).isEqualTo(0.25f);
    assertThat(FeatureSet.TEXT_AND_HISTORY.names(GateStage.CONTEXT)).doesNotContain("reward");
  }

  @Test
  void stageTwoSeesAllThatStageOneSees() {
    for (FeatureSet set : FeatureSet.values()) {
      List<String> one = set.names(GateStage.CONTEXT);
      List<String> two = set.names(GateStage.SUGGESTION);
      GateContext place = new GateContext(METHOD, Optional.of(GateHistory.none()));

      assertThat(two.subList(0, one.size())).isEqualTo(one);
      assertThat(new HashSet<>(two)).hasSameSizeAs(two);
      assertThat(Arrays.copyOf(GateFeatures.suggestion(set, place, plain(";")), one.size()))
          .isEqualTo(GateFeatures.context(set, place));
      assertThat(FeatureSet.of(set.version())).contains(set);
    }
    assertThat(FeatureSet.of(0)).isEmpty();
    // what gates were trained on stays as it is: a decision of last year is to be replayed
    assertThat(FeatureSet.TEXT.names(GateStage.CONTEXT)).hasSize(47);
    assertThat(FeatureSet.TEXT.names(GateStage.SUGGESTION)).hasSize(80);
  }

  @Test
  void everyNumberIsFiniteWhateverTheTexts() {
    RandomGenerator random = new SplittableRandom(3);
    String alphabet = "ab(){}[];.,\"'\\/*=+ \n\tX1_é\uD83D";
    for (int round = 0; round < 2_000; round++) {
      String prompt = randomText(random, alphabet, random.nextInt(120));
      String suggestion = randomText(random, alphabet, random.nextInt(20));
      float[] vector =
          GateFeatures.suggestion(FeatureSet.TEXT, GateContext.of(prompt), known(suggestion));

      assertThat(vector).hasSize(FeatureSet.TEXT.names(GateStage.SUGGESTION).size());
      for (int i = 0; i < vector.length; i++) {
        assertThat(Float.isFinite(vector[i]))
            .as(
                "%s of '%s' + '%s'",
                FeatureSet.TEXT.names(GateStage.SUGGESTION).get(i), prompt, suggestion)
            .isTrue();
      }
    }
  }

  private static String randomText(RandomGenerator random, String alphabet, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return text.toString();
  }

  private static GateSuggestion plain(String text) {
    return new GateSuggestion(text, PerToken.of(), Optional.empty());
  }

  private static GateSuggestion known(String text) {
    return new GateSuggestion(text, PerToken.of(-1f, -0.5f), Optional.empty());
  }

  private static double history(String name, GateHistory past) {
    FeatureSet set = FeatureSet.TEXT_AND_HISTORY;
    return GateFeatures.context(set, new GateContext(METHOD, Optional.of(past)))[
        set.names(GateStage.CONTEXT).indexOf(name)];
  }

  private static double context(String name, String prompt) {
    return GateFeatures.context(FeatureSet.TEXT, GateContext.of(prompt))[
        FeatureSet.TEXT.names(GateStage.CONTEXT).indexOf(name)];
  }

  private static double suggestion(String name, String prompt, String text) {
    return of(GateFeatures.suggestion(FeatureSet.TEXT, GateContext.of(prompt), plain(text)), name);
  }

  private static double of(float[] vector, String name) {
    return vector[FeatureSet.TEXT.names(GateStage.SUGGESTION).indexOf(name)];
  }

  private static double log(int count) {
    return (float) Math.log1p(count);
  }
}
