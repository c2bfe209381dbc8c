package io.ballast.standalone.cli;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ScoreItem;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The items that an examination sends, in the form that an ensemble reads.
 *
 * @param good items that should have a reward, of many lengths
 * @param bad items that must not
 */
record ProbeItems(List<ScoreItem> good, List<Bad> bad) {
  private static final List<String> PROMPTS =
      List.of(
          "",
          "int ",
          "The answer is",
          "for (int i = 0; i < ",
          "/** Returns the sum of the values. */\nint sum(int[] values) {\n  ");
  private static final List<String> COMPLETIONS =
      List.of(
          ";",
          "a = 1;",
          " forty-two, and nothing else.",
          "n; i++) {\n  total += i;\n}",
          "return java.util.Arrays.stream(values).sum();\n}\n",
          "x".repeat(3) + " ".repeat(5) + "é 汉 🙂");

  /** Longer than anything here reads. */
  private static final int TOO_MANY_TOKENS = 100_000;

  /** At most so many of an ensemble's own golden items are recombined. */
  private static final int GOLDEN_PARTS = 5;

  ProbeItems {
    good = List.copyOf(good);
    bad = List.copyOf(bad);
  }

  /** An item that must fail, and why. */
  record Bad(ScoreItem item, FailureReason reason) {}

  /** Texts: each of some prompts with each of some completions. */
  static ProbeItems ofTexts() {
    return of(
        PROMPTS.stream().map(ProbeItems::text).toList(),
        COMPLETIONS.stream().map(ProbeItems::text).toList(),
        text(""),
        text("word ".repeat(TOO_MANY_TOKENS / 5)));
  }

  /**
   * Tokens, for an ensemble that reads no texts: ids that it knows are those of its golden items.
   *
   * @param golden at least one, in tokens
   */
  static ProbeItems ofTokens(List<GoldenScore> golden) {
    Set<TextOrTokens> prompts = new LinkedHashSet<>();
    Set<TextOrTokens> completions = new LinkedHashSet<>();
    golden.stream()
        .limit(GOLDEN_PARTS)
        .forEach(
            kept -> {
              prompts.add(kept.getItem().getPrompt());
              completions.add(kept.getItem().getCompletion());
            });
    int known = golden.getFirst().getItem().getCompletion().getTokens().getTokenIds(0);
    return of(
        List.copyOf(prompts),
        List.copyOf(completions),
        tokens(List.of()),
        tokens(Collections.nCopies(TOO_MANY_TOKENS, known)));
  }

  private static ProbeItems of(
      List<TextOrTokens> prompts,
      List<TextOrTokens> completions,
      TextOrTokens empty,
      TextOrTokens tooLong) {
    List<ScoreItem> good = new ArrayList<>();
    for (TextOrTokens prompt : prompts) {
      for (TextOrTokens completion : completions) {
        good.add(item("probe-" + good.size(), prompt, completion));
      }
    }
    TextOrTokens prompt = prompts.getLast();
    return new ProbeItems(
        good,
        List.of(
            new Bad(item("empty", prompt, empty), FailureReason.FAILURE_REASON_INVALID_INPUT),
            new Bad(
                ScoreItem.newBuilder().setItemId("nothing").build(),
                FailureReason.FAILURE_REASON_INVALID_INPUT),
            new Bad(item("long", prompt, tooLong), FailureReason.FAILURE_REASON_TOO_LONG)));
  }

  private static ScoreItem item(String id, TextOrTokens prompt, TextOrTokens completion) {
    return ScoreItem.newBuilder().setItemId(id).setPrompt(prompt).setCompletion(completion).build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static TextOrTokens tokens(List<Integer> ids) {
    return TextOrTokens.newBuilder()
        .setTokens(TokenSequence.newBuilder().addAllTokenIds(ids))
        .build();
  }
}
