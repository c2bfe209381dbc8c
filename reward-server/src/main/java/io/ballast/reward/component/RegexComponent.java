package io.ballast.reward.component;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.ballast.reward.core.ComponentOutcome;

/**
 * Whether the completion matches a regular expression: 1 if it does, 0 if not, or the other way
 * round. The expression is RE2's, without look-around and back-references: its time grows with the
 * text's length and never faster, whatever pattern and text are.
 *
 * @param whole whether the pattern must match all of the completion, not just a part
 * @param wanted whether a match is what earns the 1
 */
public record RegexComponent(Pattern pattern, boolean whole, boolean wanted)
    implements ItemComponent {
  private static final int MAX_CHARACTERS = 10_000;

  /** Which part of the completion must match. */
  private enum Find {
    ANYWHERE,
    WHOLE
  }

  /** What earns the 1. */
  private enum Expect {
    MATCH,
    NO_MATCH
  }

  static RegexComponent read(Settings settings) {
    String pattern = settings.text("pattern");
    if (pattern.length() > MAX_CHARACTERS) {
      throw new CompositeFlaw(
          settings.path("pattern"),
          "%,d characters (expected: at most %,d)".formatted(pattern.length(), MAX_CHARACTERS));
    }
    int flags =
        (settings.flag("ignore_case") ? Pattern.CASE_INSENSITIVE : 0)
            | (settings.flag("dot_all") ? Pattern.DOTALL : 0)
            | (settings.flag("multi_line") ? Pattern.MULTILINE : 0);
    Pattern compiled;
    try {
      compiled = Pattern.compile(pattern, flags);
    } catch (PatternSyntaxException e) {
      throw new CompositeFlaw(
          settings.path("pattern"),
          "%s (expected: a regular expression of RE2)".formatted(e.getMessage()));
    }
    return new RegexComponent(
        compiled,
        settings.choice("find", Find.ANYWHERE) == Find.WHOLE,
        settings.choice("expect", Expect.MATCH) == Expect.MATCH);
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String text = candidate.completion();
    boolean matches = whole ? pattern.matches(text) : pattern.matcher(text).find();
    return new ComponentOutcome.Value(matches == wanted ? 1 : 0, matches ? "match" : "no match");
  }
}
