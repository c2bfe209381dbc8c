package io.ballast.inference.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Reads a regular expression in the syntax that Java, Python and JavaScript share, and refuses by
 * name what a finite automaton cannot do or what this does not know.
 *
 * <p>Known: characters; {@code .} (any but a line feed); {@code \d \w \s} and their opposites, in
 * ASCII; {@code \n \r \t \f}, {@code \xHH}, <code>&#92;uHHHH</code>, a backslash before
 * punctuation; {@code [a-z]}, {@code [^a-z]}; groups, capturing, named or not; {@code |}; {@code *
 * + ?}, {@code {n}}, {@code {n,}}, {@code {n,m}} up to 1,000, reluctant ones too since only what
 * matches counts, not how; {@code ^} at the very beginning and {@code $} at the very end.
 */
final class RegexParser {
  private static final int MAX_REPEAT = 1_000;
  private static final int MAX_DEPTH = 200;
  private static final int[] DIGIT = {'0', '9'};
  private static final int[] WORD = {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'};
  private static final int[] SPACE = {'\t', '\r', ' ', ' '};

  private final int[] pattern;
  private final Languages languages;
  private int at;
  private int depth;

  /**
   * What was read.
   *
   * @param body the language between the anchors
   * @param begins whether {@code ^} precedes it
   * @param ends whether {@code $} follows it
   */
  record Parsed(Automaton body, boolean begins, boolean ends) {}

  private RegexParser(String pattern, Languages languages) {
    this.languages = languages;
    this.pattern = pattern.codePoints().toArray();
  }

  /**
   * Reads {@code pattern}.
   *
   * @throws IllegalArgumentException naming what is wrong, and where
   */
  static Parsed parse(String pattern, Languages languages) {
    return new RegexParser(pattern, languages).whole();
  }

  private Parsed whole() {
    boolean begins = take('^');
    List<Automaton> alternatives = new ArrayList<>();
    do {
      alternatives.add(sequence());
    } while (take('|'));
    boolean ends = take('$');
    if (at < pattern.length) {
      throw flaw(
          switch (pattern[at]) {
            case ')' -> "a ) without its (";
            case '^', '$' -> anchor();
            default -> "something after the end";
          });
    }
    if ((begins || ends) && alternatives.size() > 1) {
      at = 0;
      throw flaw("an anchor of one alternative only; write ^(a|b)$");
    }
    return new Parsed(languages.choice(alternatives), begins, ends);
  }

  private static String anchor() {
    return "an anchor inside the pattern is not supported";
  }

  private Automaton alternatives() {
    List<Automaton> alternatives = new ArrayList<>();
    do {
      alternatives.add(sequence());
    } while (take('|'));
    return languages.choice(alternatives);
  }

  private Automaton sequence() {
    List<Automaton> parts = new ArrayList<>();
    parts.add(Languages.empty());
    while (at < pattern.length && pattern[at] != '|' && pattern[at] != ')' && pattern[at] != '$') {
      parts.add(repeated(atom()));
    }
    return languages.sequence(parts);
  }

  private Automaton repeated(Automaton atom) {
    int least;
    int most;
    if (take('*')) {
      least = 0;
      most = -1;
    } else if (take('+')) {
      least = 1;
      most = -1;
    } else if (take('?')) {
      least = 0;
      most = 1;
    } else if (at < pattern.length && pattern[at] == '{') {
      at++;
      least = number();
      most = take(',') ? (peek('}') ? -1 : number()) : least;
      if (!take('}')) {
        throw flaw("a { that is no repetition; write \\{ for the character");
      }
      if (most >= 0 && most < least) {
        throw flaw("a repetition of at least %d and at most %d".formatted(least, most));
      }
    } else {
      return atom;
    }
    if (peek('+')) {
      throw flaw("a possessive repetition is not supported");
    }
    boolean reluctant = take('?');
    if (peek('*') || peek('+') || peek('?') || peek('{')) {
      throw flaw(reluctant ? "two repetitions in a row" : "a repetition of a repetition");
    }
    return languages.repeat(atom, least, most);
  }

  private int number() {
    int from = at;
    int number = 0;
    while (at < pattern.length && pattern[at] >= '0' && pattern[at] <= '9') {
      number = Math.min(number * 10 + pattern[at++] - '0', 1_000_000);
    }
    if (at == from) {
      throw flaw("a { that is no repetition; write \\{ for the character");
    }
    if (number > MAX_REPEAT) {
      throw flaw("a repetition of more than 1,000");
    }
    return number;
  }

  private Automaton atom() {
    int next = pattern[at++];
    return switch (next) {
      case '(' -> group();
      case '[' -> Languages.character(charClass());
      case '.' -> Languages.character(0, '\n' - 1, '\n' + 1, Character.MAX_CODE_POINT);
      case '\\' -> Languages.character(escape(false));
      case '^' -> throw flawBefore(anchor());
      case '*', '+', '?', '{' -> throw flawBefore("a repetition of nothing");
      default -> Languages.character(next, next);
    };
  }

  private Automaton group() {
    if (++depth > MAX_DEPTH) {
      throw flawBefore("more than %d groups inside each other".formatted(MAX_DEPTH));
    }
    if (take('?')) {
      boolean named = peek('<') && at + 1 < pattern.length && Character.isLetter(pattern[at + 1]);
      if (take('P') && !peek('<')) {
        throw flaw("this kind of group is not supported");
      }
      if (named || (peek('<') && pattern[at - 1] == 'P')) {
        while (at < pattern.length && pattern[at] != '>') {
          at++;
        }
        take('>');
      } else if (!take(':')) {
        boolean around = peek('=') || peek('!') || peek('<');
        throw flaw(
            around ? "look-around is not supported" : "flags and other groups are not supported");
      }
    }
    Automaton inside = alternatives();
    if (peek('$')) {
      throw flaw(anchor());
    }
    if (!take(')')) {
      throw flaw("a ( without its )");
    }
    depth--;
    return inside;
  }

  /** Reads what follows a [, to its end. */
  private int[] charClass() {
    int opened = at - 1;
    boolean negated = take('^');
    BitSet members = new BitSet();
    boolean first = true;
    while (true) {
      if (at >= pattern.length) {
        at = opened;
        throw flaw("a [ without its ]");
      }
      if (pattern[at] == ']' && !first) {
        at++;
        return ranges(members, negated);
      }
      first = false;
      int[] low = member();
      boolean range =
          peek('-') && at + 1 < pattern.length && pattern[at + 1] != ']' && low.length == 2;
      if (!range || low[0] != low[1]) {
        add(members, low);
        continue;
      }
      at++;
      int[] high = member();
      if (high.length != 2 || high[0] != high[1] || high[0] < low[0]) {
        throw flawBefore("a range that does not ascend from character to character");
      }
      members.set(low[0], high[0] + 1);
    }
  }

  private int[] member() {
    int next = pattern[at++];
    if (next == '\\') {
      return escape(true);
    }
    if (next == '[' || (next == '&' && peek('&'))) {
      throw flawBefore("a class inside a class is not supported; write \\[ for the character");
    }
    return new int[] {next, next};
  }

  private static void add(BitSet members, int[] ranges) {
    for (int i = 0; i < ranges.length; i += 2) {
      members.set(ranges[i], ranges[i + 1] + 1);
    }
  }

  private static int[] ranges(BitSet members, boolean negated) {
    if (negated) {
      members.flip(0, Character.MAX_CODE_POINT + 1);
    }
    int[] ranges = new int[16];
    int size = 0;
    for (int from = members.nextSetBit(0); from >= 0; ) {
      int to = members.nextClearBit(from);
      ranges = size + 2 > ranges.length ? Arrays.copyOf(ranges, 2 * size) : ranges;
      ranges[size++] = from;
      ranges[size++] = to - 1;
      from = members.nextSetBit(to);
    }
    return Arrays.copyOf(ranges, size);
  }

  /** Reads what follows a backslash. */
  private int[] escape(boolean insideClass) {
    if (at >= pattern.length) {
      throw flaw("a backslash at the end");
    }
    int next = pattern[at++];
    return switch (next) {
      case 'd' -> DIGIT;
      case 'w' -> WORD;
      case 's' -> SPACE;
      case 'D' -> opposite(DIGIT);
      case 'W' -> opposite(WORD);
      case 'S' -> opposite(SPACE);
      case 'n' -> one('\n');
      case 'r' -> one('\r');
      case 't' -> one('\t');
      case 'f' -> one('\f');
      case 'x' -> one(hex(2));
      case 'u' -> one(hex(4));
      default -> {
        if (next >= '1' && next <= '9') {
          throw flawBefore("a back-reference is not supported");
        }
        if (Character.isLetterOrDigit(next) || next > '~') {
          throw flawBefore(
              "\\%s is not supported%s"
                  .formatted(Character.toString(next), insideClass ? " in a class" : ""));
        }
        yield one(next);
      }
    };
  }

  private static int[] one(int character) {
    return new int[] {character, character};
  }

  private static int[] opposite(int[] ranges) {
    BitSet members = new BitSet();
    add(members, ranges);
    return ranges(members, true);
  }

  private int hex(int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = at < pattern.length ? Character.digit(pattern[at], 16) : -1;
      if (digit < 0) {
        throw flaw("%d hexadecimal digits are wanted".formatted(digits));
      }
      value = 16 * value + digit;
      at++;
    }
    if (value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
      throw flawBefore("half of a pair of UTF-16; write the character itself");
    }
    return value;
  }

  private boolean peek(int character) {
    return at < pattern.length && pattern[at] == character;
  }

  private boolean take(int character) {
    if (peek(character)) {
      at++;
      return true;
    }
    return false;
  }

  private IllegalArgumentException flaw(String what) {
    return new IllegalArgumentException("character %,d: %s".formatted(at + 1, what));
  }

  private IllegalArgumentException flawBefore(String what) {
    at--;
    return flaw(what);
  }
}
