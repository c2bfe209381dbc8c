package io.ballast.reward.component;

import io.ballast.kit.call.ItemFault;
import io.ballast.reward.core.ComponentOutcome;
import java.math.BigDecimal;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Whether the completion is the answer that the caller knows: 1 if it is, 0 if not.
 *
 * <p>Both are brought to one form first: Unicode NFC, no space at the ends, one space for each run
 * of it, and small letters if case is ignored. With a marker, such as {@code ####} of GSM8K, only
 * what stands after its last occurrence counts, and a completion without it has not answered: 0.
 * With {@code numbers}, two numbers of equal value are equal: {@code 1,234.50} is {@code 1234.5}.
 * Before that a leading {@code $}, commas between digits and a full stop at the end are dropped.
 *
 * @param reference the name of the answer among the item's references
 * @param after the marker; empty: the whole text counts
 */
public record ExactComponent(String reference, String after, boolean ignoreCase, boolean numbers)
    implements ItemComponent {
  private static final Pattern SPACE = Pattern.compile("[\\s\\u00a0]+");
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?\\$?((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\\.[0-9]+)?|\\.[0-9]+)\\.?");

  /** Longer ones are no numbers: no number that anybody answers has so many digits. */
  private static final int MAX_DIGITS = 200;

  static ExactComponent read(Settings settings) {
    return new ExactComponent(
        settings.textIfGiven("reference").orElse("answer"),
        settings.textIfGiven("after").orElse(""),
        settings.flag("ignore_case"),
        settings.flag("numbers"));
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String known = normal(answer(candidate.reference(reference)));
    if (known.isEmpty()) {
      throw invalid(candidate, "empty (expected: an answer)");
    }
    String completion = candidate.completion();
    if (!after.isEmpty() && !completion.contains(after)) {
      return new ComponentOutcome.Value(0, "no " + after);
    }
    String given = normal(answer(completion));
    boolean same = given.equals(known);
    if (numbers) {
      BigDecimal wanted =
          number(known)
              .orElseThrow(() -> invalid(candidate, "'" + known + "' (expected: a number)"));
      same = number(given).filter(found -> found.compareTo(wanted) == 0).isPresent();
    }
    return new ComponentOutcome.Value(same ? 1 : 0, same ? "equal" : "different");
  }

  private CannotJudge invalid(Candidate candidate, String flaw) {
    return new CannotJudge(
        ItemFault.Reason.INVALID_INPUT, candidate.referencePath(reference) + ": " + flaw);
  }

  private String answer(String text) {
    int at = after.isEmpty() ? -1 : text.lastIndexOf(after);
    return at < 0 ? text : text.substring(at + after.length());
  }

  private String normal(String text) {
    String normal =
        SPACE.matcher(Normalizer.normalize(text, Normalizer.Form.NFC)).replaceAll(" ").strip();
    return ignoreCase ? normal.toLowerCase(Locale.ROOT) : normal;
  }

  private static Optional<BigDecimal> number(String text) {
    if (text.length() > MAX_DIGITS || !NUMBER.matcher(text).matches()) {
      return Optional.empty();
    }
    String digits = text.replace("$", "").replace(",", "");
    return Optional.of(
        new BigDecimal(digits.endsWith(".") ? digits.substring(0, digits.length() - 1) : digits));
  }
}
