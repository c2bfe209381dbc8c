package io.ballast.safety.core.gate;

import static io.ballast.safety.core.gate.ContextFeature.is;

import io.ballast.inference.api.StopReason;
import io.ballast.safety.core.gate.CodeLexer.EndState;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What stage 2 sees beside all of {@link ContextFeature}: numbers of the suggestion in its place.
 * Yes is 1, no is 0; logs are ln(1 + n); log-probabilities are in nats. Those of log-probabilities
 * are missing where none are known; all others are finite.
 */
public enum SuggestionFeature {
  /** Characters of the suggestion. */
  SUGGESTION_CHARACTERS(line -> line.text().length()),
  /** Tokens of the policy: how many log-probabilities were sent. */
  SUGGESTION_TOKENS(line -> line.logProbs().size()),
  /** Characters of the whole line as it would read. */
  FULL_LINE_CHARACTERS(line -> line.tail().line().length() + line.text().length()),
  /** The log-probability of the whole suggestion. */
  LOG_PROB_SUM(line -> line.logProbs().sum()),
  /** The mean over its tokens. */
  LOG_PROB_MEAN(line -> line.logProbs().sum() / line.logProbs().size()),
  /** The least of its tokens. */
  LOG_PROB_MIN(SuggestedLine::leastLogProb),
  /** That of the first token. */
  LOG_PROB_FIRST(line -> line.firstLogProbs(1)),
  /** The sum over the first two tokens. */
  LOG_PROB_FIRST_TWO(line -> line.firstLogProbs(2)),
  /** The sum over the first four tokens. */
  LOG_PROB_FIRST_FOUR(line -> line.firstLogProbs(4)),
  /** That of the last token. */
  LOG_PROB_LAST(line -> line.logProbs().get(line.logProbs().size() - 1)),
  /** The share of tokens that the policy gave less than one half. */
  UNLIKELY_TOKENS(
      line -> {
        int unlikely = 0;
        for (int t = 0; t < line.logProbs().size(); t++) {
          unlikely += line.logProbs().get(t) < Math.log(0.5) ? 1 : 0;
        }
        return (double) unlikely / line.logProbs().size();
      }),
  /** Whether the policy ended the text. */
  STOPPED_AT_END_OF_TEXT(
      line ->
          stopped(line, StopReason.END_OF_TEXT)
              + stopped(line, StopReason.STOP_TOKEN)
              + stopped(line, StopReason.GRAMMAR_COMPLETE)),
  /** Whether a stop string ended it: most often, the line's end. */
  STOPPED_AT_STRING(line -> stopped(line, StopReason.STOP_STRING)),
  /** Whether it was cut off: by the most tokens, by the context, or because the caller left. */
  STOPPED_SHORT(
      line ->
          stopped(line, StopReason.MAX_TOKENS)
              + stopped(line, StopReason.CONTEXT_FULL)
              + stopped(line, StopReason.CANCELLED)
              + stopped(line, StopReason.GRAMMAR_INCOMPLETE)),
  /** Round brackets that the line leaves open. */
  LINE_LEAVES_OPEN_ROUND(line -> CodeTail.depth(line.lexed().tokens(), '(', ')')),
  /** Round brackets that the line closes and did not open. */
  LINE_OVERCLOSES_ROUND(line -> line.overclosed('(', ')')),
  /** Square brackets that the line leaves open, or closes and did not open. */
  LINE_SQUARE_IMBALANCE(
      line -> CodeTail.depth(line.lexed().tokens(), '[', ']') + line.overclosed('[', ']')),
  /** Curly brackets that the line leaves open. */
  LINE_LEAVES_OPEN_CURLY(line -> CodeTail.depth(line.lexed().tokens(), '{', '}')),
  /** Curly brackets that the line closes and did not open. */
  LINE_OVERCLOSES_CURLY(line -> line.overclosed('{', '}')),
  /** Whether a string or a character is left open. */
  LEAVES_OPEN_QUOTES(line -> is(line.lexed().endState() == EndState.QUOTED)),
  /** Whether it ends with a semicolon. */
  ENDS_WITH_SEMICOLON(line -> ends(line, ";")),
  /** Whether it ends with an opening curly bracket. */
  ENDS_WITH_OPENING(line -> ends(line, "{")),
  /** Whether it ends with a closing bracket of any kind. */
  ENDS_WITH_CLOSING(line -> ends(line, ")") + ends(line, "]") + ends(line, "}")),
  /**
   * Whether it ends with a comma, a dot, an operator or an opening round bracket: in the middle.
   */
  ENDS_IN_THE_MIDDLE(
      line -> is(!line.text().isBlank() && "=+-*/<>&|?:.,(".contains(lastCharacter(line)))),
  /** Whether it ends with a letter or a digit. */
  ENDS_WITH_WORD(
      line ->
          is(!line.text().isBlank() && Character.isLetterOrDigit(lastCharacter(line).charAt(0)))),
  /** Whether it holds nothing but spaces. */
  SUGGESTION_BLANK(line -> is(line.text().isBlank())),
  /** Tokens of code that it adds or makes longer. */
  NEW_TOKENS(line -> line.newTokens().size()),
  /** The share of the identifiers it adds that stand in the tail; 1 if it adds none. */
  KNOWN_IDENTIFIERS(SuggestedLine::knownIdentifiers),
  /** Log of how often it stands in the tail word for word, without spaces around it. */
  OCCURS_BEFORE(line -> Math.log1p(line.occurrences(line.text().strip()))),
  /** Log of how often the last token before the cursor with the suggestion stands in the tail. */
  OCCURS_BEFORE_WITH_LAST_TOKEN(
      line ->
          Math.log1p(
              line.tail().lineTokens().isEmpty()
                  ? 0
                  : line.occurrences(
                      line.tail().text().substring(line.tail().lineTokens().getLast().start())
                          + line.text()))),
  /** Log of how many lines of the tail read as this line would. */
  LINE_OCCURS_BEFORE(
      line -> {
        String whole = (line.tail().line() + line.text()).strip();
        return Math.log1p(
            line.tail().previousLines().stream()
                .filter(each -> !whole.isEmpty() && each.strip().equals(whole))
                .count());
      }),
  /** Characters of the suggestion over the characters that the line lacks to the mean; 0 to 10. */
  LENGTH_AGAINST_MEAN(
      line -> {
        double lacking = line.tail().meanLineCharacters() - line.tail().line().length();
        return lacking <= 0 ? 10 : Math.min(10, line.text().length() / lacking);
      }),
  /** Lines of the suggestion. */
  SUGGESTION_LINES(line -> line.text().isEmpty() ? 0 : line.text().split("\n", -1).length);

  private static final Set<SuggestionFeature> OF_LOG_PROBS =
      EnumSet.of(
          SUGGESTION_TOKENS,
          LOG_PROB_SUM,
          LOG_PROB_MEAN,
          LOG_PROB_MIN,
          LOG_PROB_FIRST,
          LOG_PROB_FIRST_TWO,
          LOG_PROB_FIRST_FOUR,
          LOG_PROB_LAST,
          UNLIKELY_TOKENS);

  private final ToDoubleFunction<SuggestedLine> value;

  SuggestionFeature(ToDoubleFunction<SuggestedLine> value) {
    this.value = value;
  }

  /** Its name in a gate model folder. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  float of(SuggestedLine line) {
    boolean unknown = line.logProbs().size() == 0 && OF_LOG_PROBS.contains(this);
    return unknown ? Float.NaN : (float) value.applyAsDouble(line);
  }

  private static double stopped(SuggestedLine line, StopReason reason) {
    return is(line.suggestion().stopReason().filter(given -> given == reason).isPresent());
  }

  private static double ends(SuggestedLine line, String end) {
    return is(line.text().stripTrailing().endsWith(end));
  }

  private static String lastCharacter(SuggestedLine line) {
    String text = line.text().stripTrailing();
    return text.substring(text.length() - 1);
  }
}
