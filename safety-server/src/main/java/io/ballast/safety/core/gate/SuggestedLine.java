package io.ballast.safety.core.gate;

import io.ballast.inference.api.PerToken;
import io.ballast.safety.core.gate.CodeLexer.Lexed;
import java.util.List;

/** A suggestion in its place: the cursor's line as it would read. */
final class SuggestedLine {
  private final CodeTail tail;
  private final GateSuggestion suggestion;
  private final Lexed lexed;

  SuggestedLine(CodeTail tail, GateSuggestion suggestion) {
    this.tail = tail;
    this.suggestion = suggestion;
    this.lexed = CodeLexer.lex(tail.line() + suggestion.text());
  }

  CodeTail tail() {
    return tail;
  }

  GateSuggestion suggestion() {
    return suggestion;
  }

  String text() {
    return suggestion.text();
  }

  PerToken logProbs() {
    return suggestion.logProbs();
  }

  /** The cursor's line with the suggestion, as code. */
  Lexed lexed() {
    return lexed;
  }

  /** The tokens that the suggestion adds or makes longer. */
  List<CodeToken> newTokens() {
    int cursor = tail.line().length();
    return lexed.tokens().stream().filter(token -> token.end() > cursor).toList();
  }

  /** More {@code close} than {@code open} before the line's end, at the worst place; at least 0. */
  int overclosed(char open, char close) {
    int balance = 0;
    int worst = 0;
    for (CodeToken token : lexed.tokens()) {
      balance += token.isSymbol(open) ? 1 : token.isSymbol(close) ? -1 : 0;
      worst = Math.max(worst, -balance);
    }
    return worst;
  }

  /** The share of the identifiers it adds that stand in the tail; 1 if it adds none. */
  double knownIdentifiers() {
    List<CodeToken> names =
        newTokens().stream().filter(token -> token.kind() == CodeToken.Kind.IDENTIFIER).toList();
    long known =
        names.stream().filter(token -> tail.identifiers().containsKey(token.text())).count();
    return names.isEmpty() ? 1 : (double) known / names.size();
  }

  /** How often {@code piece} stands in the tail; 0 for none. */
  int occurrences(String piece) {
    if (piece.isEmpty()) {
      return 0;
    }
    int count = 0;
    for (int at = tail.text().indexOf(piece); at >= 0; at = tail.text().indexOf(piece, at + 1)) {
      count++;
    }
    return count;
  }

  /** The sum of the first {@code count} log-probabilities, or of all if there are fewer. */
  double firstLogProbs(int count) {
    double sum = 0;
    for (int t = 0; t < Math.min(count, logProbs().size()); t++) {
      sum += logProbs().get(t);
    }
    return sum;
  }

  /** The least log-probability; 0 if there are none. */
  double leastLogProb() {
    double least = 0;
    for (int t = 0; t < logProbs().size(); t++) {
      least = Math.min(least, logProbs().get(t));
    }
    return least;
  }
}
