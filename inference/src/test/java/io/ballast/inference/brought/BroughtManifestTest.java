package io.ballast.inference.brought;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A manifest says all that it was written with, and what is wrong with it by the field's name. */
class BroughtManifestTest {
  private static final String SMALLEST =
      """
      {"format": "ballast-brought-reward", "members": [
        {"model": "m", "version": "1", "input": {"form": "chat"}, "score": {"kind": "logit"}}]}
      """;

  @TempDir private Path folder = Path.of(".");

  @Test
  void itComesBackAsItWasWritten() throws IOException {
    BroughtManifest manifest =
        new BroughtManifest(
            List.of(
                new BroughtMember(
                    "a",
                    "1",
                    Optional.of("ab".repeat(32)),
                    new MemberInput.Template("Q: {prompt}\nA: {completion}", false),
                    Optional.of(Pooling.LAST_TOKEN),
                    new ScoreReading.LogOdds(new LabelReference.Name("good")),
                    true,
                    new Normalization(-2.5, 0.25),
                    OptionalInt.of(77)),
                new BroughtMember(
                    "b",
                    "2",
                    Optional.empty(),
                    new MemberInput.Chat(true),
                    Optional.empty(),
                    new ScoreReading.ExpectedRating(List.of(1.0, 2.0, 5.0)),
                    false,
                    new Normalization(0, 1),
                    OptionalInt.empty())));
    manifest.write(folder);
    assertThat(BroughtManifest.read(folder)).isEqualTo(manifest);
    assertThat(manifest.readsTokens()).isFalse();
  }

  @Test
  void whatIsNotSaidHasADefault() {
    BroughtMember member = BroughtManifest.parse(SMALLEST).members().getFirst();
    assertThat(member.score()).isEqualTo(new ScoreReading.Logit(new LabelReference.Index(0)));
    assertThat(member.input()).isEqualTo(new MemberInput.Chat(false));
    assertThat(member.scale()).isEqualTo(new Normalization(0, 1));
    assertThat(member.lowerIsBetter()).isFalse();
    assertThat(member.maxTokens()).isEmpty();
    assertThat(
            BroughtManifest.parse(
                    SMALLEST.replace("\"chat\"", "\"template\", \"template\": \"{completion}\""))
                .members()
                .getFirst()
                .input())
        .isEqualTo(new MemberInput.Template("{completion}", true));
  }

  @Test
  void whatIsWrongIsNamedByItsField() {
    refused("{}", "format: absent (expected: \"ballast-brought-reward\")");
    refused("{", "not JSON: ");
    refused("{\"format\": \"ballast-brought-reward\"}", "members: 0 (expected: 1 to 64)");
    changed(
        "\"chat\"",
        "\"talk\"",
        "members[0].input.form: \"talk\" (expected: chat, template or tokens)");
    changed("\"chat\"", "\"template\"", "members[0].input.template: absent (expected: a text)");
    changed(
        "\"chat\"",
        "\"template\", \"template\": \"{prompt}\"",
        "members[0].input.template: \"{prompt}\" (expected: a text with {completion}");
    changed("\"model\": \"m\",", "", "members[0].model: absent (expected: a text)");
    changed(
        "\"logit\"", "\"best\"", "members[0].score.kind: \"best\" (expected: logit, log_odds or");
    changed("\"logit\"", "\"log_odds\"", "members[0].score.label: absent (expected: an index or a");
    changed("\"logit\"", "\"logit\", \"label\": -1", "members[0].score.label: -1 (expected: ≥ 0)");
    changed(
        "\"logit\"",
        "\"expected_rating\", \"ratings\": [1]",
        "members[0].score.ratings: [1.0] (expected: a finite number for each label, at least two)");
    changed(
        "\"logit\"",
        "\"expected_rating\", \"ratings\": [1, \"two\"]",
        "members[0].score.ratings[1]: \"two\" (expected: a number)");
    changed(
        "\"score\"",
        "\"scale\": {\"std\": 0}, \"score\"",
        "members[0].scale.std: 0.0 (expected: > 0)");
    changed(
        "\"score\"",
        "\"scale\": {\"sign\": -1}, \"score\"",
        "members[0].scale.sign: no such field (expected: mean, std, lower_is_better)");
    changed(
        "\"score\"",
        "\"pooling\": \"max\", \"score\"",
        "members[0].pooling: \"max\" (expected: one of mean, cls, last, or none");
    changed(
        "\"score\"", "\"max_tokens\": 0, \"score\"", "members[0].max_tokens: 0 (expected: ≥ 1)");
    changed(
        "\"score\"",
        "\"max_tokens\": \"9\", \"score\"",
        "members[0].max_tokens: \"9\" (expected: a whole number)");
    changed(
        "{\"form\": \"chat\"}",
        "{\"form\": \"chat\", \"special_tokens\": \"no\"}",
        "members[0].input.special_tokens: \"no\" (expected: true or false)");
    changed("\"version\"", "\"revision\"", "members[0].revision: no such field (expected: model, ");
    changed(
        "]}",
        ", {\"model\": \"n\", \"version\": \"1\", \"input\": {\"form\": \"tokens\"},"
            + " \"score\": {\"kind\": \"logit\"}}]}",
        "members[1].input.form: tokens (expected: texts or tokens for all; members[0] has chat)");
  }

  private static void changed(String part, String other, String message) {
    assertThat(SMALLEST).contains(part);
    refused(SMALLEST.replace(part, other), message);
  }

  private static void refused(String json, String message) {
    assertThatThrownBy(() -> BroughtManifest.parse(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void aTemplateIsFilledInOnce() {
    MemberInput.Template template = new MemberInput.Template("<{prompt}|{completion}>", true);
    assertThat(template.fill("{completion}", "$1\\{prompt}"))
        .isEqualTo("<{completion}|$1\\{prompt}>");
  }
}
