package io.ballast.safety.core.gate;

import io.ballast.safety.core.gate.CodeLexer.EndState;
import io.ballast.safety.core.gate.CodeLexer.Lexed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The last characters before the cursor, read as code: what all features are computed from. */
final class CodeTail {
  /** More text than this does not change any feature. */
  static final int CHARACTERS = 2_048;

  private static final int LONGEST_REPEAT = 64;

  private final String text;
  private final String line;
  private final List<String> previousLines;
  private final Lexed lexed;
  private final List<CodeToken> lineTokens;
  private final String word;
  private final Map<String, Integer> identifiers;
  private @Nullable Repeat repeat;

  private CodeTail(String text) {
    this.text = text;
    int start = text.lastIndexOf('\n') + 1;
    this.line = text.substring(start);
    this.previousLines = start == 0 ? List.of() : List.of(text.substring(0, start - 1).split("\n"));
    this.lexed = CodeLexer.lex(text);
    this.lineTokens = lexed.tokens().stream().filter(token -> token.end() > start).toList();
    this.word = wordAtCursor();
    this.identifiers = identifiersBeforeWord();
  }

  static CodeTail of(String prompt) {
    int from = Math.max(0, prompt.length() - CHARACTERS);
    return new CodeTail(prompt.substring(from));
  }

  private String wordAtCursor() {
    return lastToken()
        .filter(token -> token.end() == text.length() && token.isWord())
        .map(CodeToken::text)
        .orElse("");
  }

  private Map<String, Integer> identifiersBeforeWord() {
    Map<String, Integer> counts = new HashMap<>();
    int end = text.length() - word.length();
    for (CodeToken token : lexed.tokens()) {
      if (token.kind() == CodeToken.Kind.IDENTIFIER && token.start() < end) {
        counts.merge(token.text(), 1, Integer::sum);
      }
    }
    return counts;
  }

  /** The whole tail. */
  String text() {
    return text;
  }

  /** The cursor's line up to the cursor. */
  String line() {
    return line;
  }

  /** The lines before the cursor's, the nearest last. */
  List<String> previousLines() {
    return previousLines;
  }

  /** The line before the cursor's; empty text for none. */
  String previousLine() {
    return previousLines.isEmpty() ? "" : previousLines.getLast();
  }

  List<CodeToken> tokens() {
    return lexed.tokens();
  }

  /** The tokens of the cursor's line. */
  List<CodeToken> lineTokens() {
    return lineTokens;
  }

  Optional<CodeToken> lastToken() {
    return lexed.tokens().isEmpty() ? Optional.empty() : Optional.of(lexed.tokens().getLast());
  }

  EndState endState() {
    return lexed.endState();
  }

  /** The word that touches the cursor; empty if none does. */
  String word() {
    return word;
  }

  /** How often each identifier occurs, without the word at the cursor. */
  Map<String, Integer> identifiers() {
    return identifiers;
  }

  /** How many more {@code open} than {@code close} there are in {@code tokens}, at least 0. */
  static int depth(List<CodeToken> tokens, char open, char close) {
    int depth = 0;
    for (CodeToken token : tokens) {
      if (token.isSymbol(open)) {
        depth++;
      } else if (token.isSymbol(close)) {
        depth = Math.max(0, depth - 1);
      }
    }
    return depth;
  }

  static boolean isBlank(String line) {
    return line.isBlank();
  }

  static int indent(String line) {
    int indent = 0;
    while (indent < line.length() && (line.charAt(indent) == ' ' || line.charAt(indent) == '\t')) {
      indent++;
    }
    return indent;
  }

  /** The mean length of the lines before the cursor's that are not blank; 0 for none. */
  double meanLineCharacters() {
    return previousLines.stream()
        .filter(each -> !isBlank(each))
        .mapToInt(String::length)
        .average()
        .orElse(0);
  }

  /** How often the last {@code count} tokens stand together before; 0 if there are fewer. */
  int repeats(int count) {
    List<CodeToken> all = tokens();
    int from = all.size() - count;
    if (from < 0) {
      return 0;
    }
    int repeats = 0;
    for (int start = 0; start < from; start++) {
      boolean same = true;
      for (int i = 0; i < count && same; i++) {
        same = all.get(start + i).text().equals(all.get(from + i).text());
      }
      repeats += same ? 1 : 0;
    }
    return repeats;
  }

  /** Identifiers that begin with the word at the cursor and are longer, with their counts. */
  List<Integer> continuationsOfWord() {
    List<Integer> counts = new ArrayList<>();
    if (!word.isEmpty()) {
      identifiers.forEach(
          (name, count) -> {
            if (name.length() > word.length() && name.startsWith(word)) {
              counts.add(count);
            }
          });
    }
    return counts;
  }

  /** The rests of earlier lines that begin as the cursor's line does; none if that is blank. */
  List<String> restsOfLikeLines() {
    String begun = line.stripLeading();
    if (begun.isEmpty()) {
      return List.of();
    }
    return previousLines.stream()
        .map(String::strip)
        .filter(each -> each.startsWith(begun))
        .map(each -> each.substring(begun.length()))
        .toList();
  }

  /** The largest share that one of {@code values} has of them; 0 for none. */
  static double agreement(List<?> values) {
    Map<Object, Integer> counts = new HashMap<>();
    values.forEach(value -> counts.merge(value, 1, Integer::sum));
    int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    return values.isEmpty() ? 0 : (double) most / values.size();
  }

  /**
   * The longest end of the tail that also stands earlier in it.
   *
   * @param length in characters
   * @param agreement of its earlier places, the share of the commonest next character; 0 for none
   */
  record Repeat(int length, double agreement) {}

  Repeat longestRepeat() {
    Repeat found = repeat;
    if (found == null) {
      found = findRepeat();
      repeat = found;
    }
    return found;
  }

  private Repeat findRepeat() {
    int[] ends = new int[Math.max(0, text.length() - 1)];
    for (int i = 0; i < ends.length; i++) {
      ends[i] = i + 1;
    }
    int count = ends.length;
    int length = 0;
    while (length < Math.min(LONGEST_REPEAT, text.length())) {
      int back = length + 1;
      char wanted = text.charAt(text.length() - back);
      int matching = 0;
      for (int i = 0; i < count; i++) {
        matching += ends[i] >= back && text.charAt(ends[i] - back) == wanted ? 1 : 0;
      }
      if (matching == 0) {
        break;
      }
      int kept = 0;
      for (int i = 0; i < count; i++) {
        if (ends[i] >= back && text.charAt(ends[i] - back) == wanted) {
          ends[kept++] = ends[i];
        }
      }
      count = kept;
      length = back;
    }
    return new Repeat(length, length == 0 ? 0 : agreement(ends, count));
  }

  /** The share of the commonest character behind the first {@code count} of {@code ends}. */
  private double agreement(int[] ends, int count) {
    char[] next = new char[count];
    for (int i = 0; i < count; i++) {
      next[i] = text.charAt(ends[i]);
    }
    Arrays.sort(next);
    int most = 0;
    int run = 0;
    for (int i = 0; i < count; i++) {
      run = i > 0 && next[i] == next[i - 1] ? run + 1 : 1;
      most = Math.max(most, run);
    }
    return (double) most / count;
  }
}
