package io.ballast.reward.component;

import io.ballast.reward.core.ComponentOutcome;
import io.ballast.rl.advantage.TokenRewards;
import java.util.Locale;
import java.util.Map;

/**
 * A penalty for length: 0 up to {@code free} units, then falling in a line to −1 at {@code limit},
 * and −1 beyond it.
 *
 * <pre>max(−1, min(0, −(length − free) / (limit − free)))</pre>
 *
 * <p>Source: Yu et al. 2025 (DAPO), arXiv:2503.14476, the soft overlong punishment, with L_max =
 * {@code limit} and L_cache = {@code limit − free}. Characters and words as units are ours.
 *
 * @param tokensOf the learned component whose tokenizer counts; empty if tokens are not the unit
 */
public record LengthComponent(Unit unit, String tokensOf, int free, int limit)
    implements ItemComponent {
  private static final int MOST = 10_000_000;

  /** What is counted. */
  public enum Unit {
    /** Unicode code points. */
    CHARACTERS,
    /** What stands between spaces. */
    WORDS,
    /** As the tokenizer of a learned component splits the completion. */
    TOKENS
  }

  static LengthComponent read(Settings settings) {
    Unit unit = settings.choice("unit", Unit.CHARACTERS);
    int free = settings.integer("free", 0, MOST);
    return new LengthComponent(
        unit,
        unit == Unit.TOKENS ? settings.text("tokens_of") : "",
        free,
        settings.integer("limit", free + 1, MOST + 1));
  }

  @Override
  public void check(String path, Map<String, Component> all) {
    if (unit == Unit.TOKENS && !(all.get(tokensOf) instanceof LearnedComponent)) {
      throw new CompositeFlaw(
          path + ".tokens_of",
          "\"%s\" (expected: the name of a learned component)".formatted(tokensOf));
    }
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String text = candidate.completion();
    int length =
        switch (unit) {
          case CHARACTERS -> text.codePointCount(0, text.length());
          case WORDS -> words(text);
          case TOKENS -> tokens(text, judging);
        };
    return new ComponentOutcome.Value(
        TokenRewards.overlongPenalty(length, limit, limit - free, 1),
        "%,d %s".formatted(length, unit.name().toLowerCase(Locale.ROOT)));
  }

  private int tokens(String text, Judging judging) {
    LearnedComponent learned = (LearnedComponent) judging.recipe().component(tokensOf);
    return judging.tools().tokens().of(learned.ensemble(), text, judging.patience());
  }

  private static int words(String text) {
    int words = 0;
    boolean within = false;
    for (int i = 0; i < text.length(); i++) {
      boolean space = Character.isWhitespace(text.charAt(i));
      words += !space && !within ? 1 : 0;
      within = !space;
    }
    return words;
  }
}
