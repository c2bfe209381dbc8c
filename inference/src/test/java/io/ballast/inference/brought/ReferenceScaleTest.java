package io.ballast.inference.brought;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.AskedItems.LeftOut;
import io.ballast.inference.brought.ReferenceAnswers.Answer;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.SmallClassifier;
import io.ballast.inference.store.ModelStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scales are made of reference answers that a server would score, and that differ. */
class ReferenceScaleTest {
  private static final MemberInput TEXTS = new MemberInput.Template("{prompt} {completion}", true);

  @TempDir private Path root = Path.of(".");
  private final List<Double> progress = new ArrayList<>();

  @BeforeEach
  void aClassifier() throws IOException {
    new ModelStore(root)
        .publish("words", "1", folder -> SmallClassifier.write(folder, "good"), Map.of());
  }

  private BroughtAdoption.Adopted adopt(
      MemberInput input, boolean skipUnscored, BroughtItem... items) throws IOException {
    List<Answer> answers = new ArrayList<>();
    for (BroughtItem item : items) {
      answers.add(new Answer("line " + (answers.size() + 1), item));
    }
    BroughtMember member =
        new BroughtMember(
            "words",
            "1",
            Optional.empty(),
            input,
            Optional.empty(),
            new ScoreReading.Logit(new LabelReference.Index(0)),
            false,
            new Normalization(0, 1),
            OptionalInt.empty());
    return new BroughtAdoption(
            new ModelStore(root), List.of(root), BroughtEngines.here(EncoderOptions.defaults()))
        .adopt(
            "taste",
            "1",
            new BroughtAdoption.Plan(
                new BroughtManifest(List.of(member)),
                new ReferenceAnswers(answers, skipUnscored),
                1e-4,
                Map.of()),
            progress::add);
  }

  private static BroughtItem text(String completion) {
    return new BroughtItem.Texts("w2", completion);
  }

  private static BroughtItem tokens(int... completion) {
    return new BroughtItem.Tokens(TokenIds.of(2), TokenIds.of(completion));
  }

  @Test
  void anEmptyCompletionIsRefusedAsAServerRefusesItOrLeftOut() throws IOException {
    assertThatThrownBy(() -> adopt(TEXTS, false, text("w3"), text(""), text("w4")))
        .isInstanceOf(UnusableReferenceException.class)
        .hasMessage(
            "1 of 3 reference items is not scored by every member, the first: line 2: completion:"
                + " empty (expected: a text); --skip-bad leaves them out");
    assertThat(root.resolve("taste")).doesNotExist();

    BroughtAdoption.Adopted adopted = adopt(TEXTS, true, text("w3"), text(""), text("w4"));
    assertThat(adopted.asked().leftOut())
        .containsExactly(new LeftOut("line 2", "completion: empty (expected: a text)"));
    // the tokenizer puts w1 before the text
    double a = sum(1, 2, 3);
    double b = sum(1, 2, 4);
    assertThat(adopted.manifest().members().getFirst().scale().mean())
        .isCloseTo((a + b) / 2, within(1e-9));
  }

  private static double sum(int... words) {
    double sum = 0;
    for (int word : words) {
      sum += SmallClassifier.number(word, 0);
    }
    return sum;
  }

  @Test
  void tokensThatTheModelDoesNotKnowAreNamedWithTheirPlace() throws IOException {
    BroughtAdoption.Adopted adopted =
        adopt(
            new MemberInput.Tokens(),
            true,
            tokens(3),
            tokens(),
            tokens(4, SmallClassifier.WORDS),
            tokens(4),
            tokens(-1),
            tokens(5),
            text("w3"),
            tokens(6));
    assertThat(adopted.asked().leftOut())
        .containsExactly(
            new LeftOut("line 2", "completion: empty (expected: at least one token)"),
            new LeftOut("line 3", "completion.token_ids[1]: 20 (expected: 0 to 19)"),
            new LeftOut("line 5", "completion.token_ids[0]: -1 (expected: 0 to 19)"),
            new LeftOut(
                "line 7",
                "prompt: text against taste, which reads tokens only (expected: tokens)"));
    assertThat(adopted.golden().items())
        .extracting(GoldenItems.Item::item)
        .containsExactly(tokens(3), tokens(4), tokens(5), tokens(6));
  }

  @Test
  void manyAnswersAreScoredInPortionsAndKeepTheirOrder() throws IOException {
    BroughtItem[] items = new BroughtItem[130];
    for (int i = 0; i < items.length; i++) {
      items[i] = i == 70 ? text("") : text("w" + i % 20);
    }
    BroughtAdoption.Adopted adopted = adopt(TEXTS, true, items);
    assertThat(progress).containsExactly(64 / 130., 128 / 130., 1.);
    assertThat(adopted.asked().leftOut()).extracting(LeftOut::at).containsExactly("line 71");
    List<GoldenItems.Item> scored = adopted.asked().scored();
    assertThat(scored).hasSize(129);
    for (int i = 0; i < scored.size(); i++) {
      int word = (i < 70 ? i : i + 1) % 20;
      assertThat(scored.get(i).item()).isEqualTo(text("w" + word));
      assertThat(scored.get(i).scores().getFirst()).isCloseTo(sum(1, 2, word), within(1e-5));
    }
  }

  @Test
  void equalScoresGiveNoScaleAlthoughTheirMeanRounds() throws IOException {
    assertThatThrownBy(() -> adopt(TEXTS, false, text("w3"), text("w3"), text("w3")))
        .isInstanceOf(UnusableReferenceException.class)
        .hasMessage(
            "members[0]: the 3 reference items give no scale, all scores are %s (expected: two that"
                    .formatted(sum(1, 2, 3))
                + " are more than 5.0e-06 apart, as far as 32 bits tell them from each other)");
    // 0.1 + 0.1 + 0.1 is not 0.3 in binary: their standard deviation would be dust, not 0
    assertThatThrownBy(() -> asked(0.1, 0.1, 0.1).scale(0))
        .hasMessageContaining("all scores are 0.1");
    assertThatThrownBy(() -> asked(0, 0).scale(0)).hasMessageContaining("all scores are 0.0");
    assertThatThrownBy(() -> asked(7).scale(0)).hasMessageContaining("the 1 reference item gives");
    assertThat(root.resolve("taste")).doesNotExist();
  }

  @Test
  void scoresNearZeroThatDifferByRoundingGiveNoScale() {
    // two outputs near 3 in 32 bits, each of which may be off by 2.4e-7, and their differences
    double[] rounded = {3.1f - 3.1f, Math.nextUp(3.1f) - 3.1f, 3.1f - Math.nextUp(3.1f)};
    assertThatThrownBy(() -> asked(rounded).scale(0))
        .isInstanceOf(UnusableReferenceException.class)
        .hasMessageStartingWith(
            "members[0]: the 3 reference items give no scale, all scores are from -2.38")
        .hasMessageEndingWith(
            "E-7 (expected: two that are more than 1.0e-06 apart, as far as 32 bits tell them from"
                + " each other)");
    assertThatThrownBy(() -> asked(1_000, 1_000.0005).scale(0))
        .hasMessageContaining("from 1000.0 to 1000.0005 (expected: two that are more than 1.0e-03");
    assertThat(asked(1e-5, 3e-5).scale(0).std()).isCloseTo(Math.sqrt(2) * 1e-5, within(1e-15));
  }

  private static AskedItems asked(double... scores) {
    List<GoldenItems.Item> items = new ArrayList<>();
    for (double score : scores) {
      items.add(new GoldenItems.Item(text("w3"), List.of(score)));
    }
    return new AskedItems(items, List.of());
  }
}
