package io.ballast.inference.grammar;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.lucene.util.automaton.Automaton;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A regular expression means what it means to Java, or is refused by name. */
class GrammarTest {
  /** Texts of characters that patterns below speak of. */
  private static String text(SplittableRandom random) {
    String alphabet = "aabbc01 _-.\n\"é🎈{";
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(7);
    for (int i = 0; i < length; i++) {
      int at = random.nextInt(alphabet.codePointCount(0, alphabet.length()));
      text.appendCodePoint(alphabet.codePointAt(alphabet.offsetByCodePoints(0, at)));
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "a*b+c?",
        "(a|b|)*c",
        "(?:ab|a)b?",
        "(?<name>a|b){2,3}",
        "a{2}|b{1,}|c{0,2}",
        ".*",
        "a.b",
        "[ab0-9]+",
        "[^ab]*",
        "[]a]|[^]a]",
        "[a-c-]+",
        "\\d+|\\w+|\\s+",
        "\\D\\W\\S",
        "[\\d_]+[^\\w]?",
        "\\x61\\u00e9?\\n?",
        "^(a|b)*$",
        "^a",
        "b$",
        "a+?b*?c??",
        "[.\\-\\{]\\.?",
        "🎈*é",
        "[é-🎈]+",
        "(((a)|b)*|c)+ ?",
        "a(|)*b",
        "()*",
        "()+",
        "(){2,}",
        "(){0,3}c?",
        "(a{0})*b",
      })
  void aPatternMatchesWhatJavaSays(String pattern) {
    Grammar grammar = Grammar.regex(pattern);
    // in a class, Java takes a ] that comes first as its end
    Pattern java = Pattern.compile(pattern.replace("[]a]|[^]a]", "[\\]a]|[^\\]a]"));
    SplittableRandom random = new SplittableRandom(pattern.hashCode());
    int matched = 0;
    for (int i = 0; i < 2_000; i++) {
      String text = text(random);
      boolean expected = java.matcher(text).matches();
      assertThat(grammar.matches(text)).as("%s on [%s]", pattern, text).isEqualTo(expected);
      matched += expected ? 1 : 0;
    }
    assertThat(matched).isPositive();
  }

  @Test
  void theMachineKnowsWhereATextMayEndAndWhereItMust() {
    ByteMachine machine = Grammar.regex("ab?").machine();
    int a = machine.step(machine.start(), 'a');
    int ab = machine.step(a, 'b');
    assertThat(machine.accepting(machine.start())).isFalse();
    assertThat(machine.accepting(a)).isTrue();
    assertThat(machine.finished(a)).isFalse();
    assertThat(machine.finished(ab)).isTrue();
    assertThat(machine.step(ab, 'b')).isEqualTo(ByteMachine.DEAD);
  }

  @Test
  void aStateFromWhichNoTextCanEndDoesNotExist() {
    ByteMachine machine = Grammar.regex("a(b[^\\s\\S]|c)").machine();
    int a = machine.step(machine.start(), 'a');
    assertThat(machine.step(a, 'b')).isEqualTo(ByteMachine.DEAD);
    assertThat(machine.step(a, 'c')).isGreaterThanOrEqualTo(0);
  }

  @Test
  void onlyValidUtf8IsRead() {
    ByteMachine machine = Grammar.regex("[^a]*").machine();
    assertThat(machine.step(machine.start(), 0x80)).isEqualTo(ByteMachine.DEAD); // a middle
    assertThat(machine.step(machine.start(), 0xC0)).isEqualTo(ByteMachine.DEAD); // overlong
    int e0 = machine.step(machine.start(), 0xE0);
    assertThat(machine.step(e0, 0x9F)).isEqualTo(ByteMachine.DEAD); // overlong as well
    int f4 = machine.step(machine.start(), 0xF4);
    assertThat(machine.step(f4, 0x90)).isEqualTo(ByteMachine.DEAD); // beyond the last character
    int ed = machine.step(machine.start(), 0xED);
    assertThat(machine.step(ed, 0xA0)).isEqualTo(ByteMachine.DEAD); // half of a pair
    assertThat(machine.accepting(ed)).isFalse();
  }

  @Test
  void everyCharacterIsReadInItsShortestForm() {
    ByteMachine machine = Grammar.regex("[\\x00-\\x7f]|[^\\x00-\\x7f]").machine();
    for (int character = 0; character <= Character.MAX_CODE_POINT; character++) {
      boolean half = character >= 0xD800 && character <= 0xDFFF;
      int state = machine.start();
      byte[] bytes = Character.toString(character).getBytes(StandardCharsets.UTF_8);
      for (byte each : half ? new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80} : bytes) {
        state = state < 0 ? state : machine.step(state, each & 0xFF);
      }
      if ((state >= 0 && machine.finished(state)) == half) {
        throw new AssertionError("U+%X".formatted(character));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '→',
      quoteCharacter = '`',
      value = {
        "(a → regex: character 3: a ( without its )",
        "a) → regex: character 2: a ) without its (",
        "[ab → regex: character 1: a [ without its ]",
        "*a → regex: character 1: a repetition of nothing",
        "a** → regex: character 3: a repetition of a repetition",
        "a++ → regex: character 3: a possessive repetition is not supported",
        "a{3,2} → regex: character 7: a repetition of at least 3 and at most 2",
        "a{x} → regex: character 3: a { that is no repetition; write \\{ for the character",
        "a{1001} → regex: character 7: a repetition of more than 1,000",
        "(a)\\1 → regex: character 5: a back-reference is not supported",
        "a(?=b) → regex: character 4: look-around is not supported",
        "(?<!a)b → regex: character 3: look-around is not supported",
        "(?i)a → regex: character 3: flags and other groups are not supported",
        "a\\b → regex: character 3: \\b is not supported",
        "\\p{L} → regex: character 2: \\p is not supported",
        "a^b → regex: character 2: an anchor inside the pattern is not supported",
        "a$b → regex: character 3: something after the end",
        "^a|b$ → regex: character 1: an anchor of one alternative only; write ^(a|b)$",
        "[a[b]] → regex: character 3: a class inside a class is not supported; write \\[ for the character",
        "[b-a] → regex: character 4: a range that does not ascend from character to character",
        "a\\ → regex: character 3: a backslash at the end",
        "\\ud83c → regex: character 6: half of a pair of UTF-16; write the character itself",
        "\\x6 → regex: character 4: 2 hexadecimal digits are wanted",
      })
  void whatIsNotUnderstoodIsNamedWithItsPlace(String pattern, String message) {
    assertThatThrownBy(() -> Grammar.regex(pattern))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void aGrammarThatCanNeverEndIsRefused() {
    assertThatThrownBy(() -> Grammar.regex("a[^\\s\\S]"))
        .hasMessage("regex: no text matches, so that none could ever end");
  }

  @Test
  void aGrammarOfTooManyStatesIsRefusedAndSoon() {
    for (String pattern :
        List.of(
            "(a{1000}){1000}",
            "((a|b){100}){1000}",
            "(a|b)*a(a|b){40}",
            "(.{1000}){30}",
            "a?".repeat(9_000),
            "(((((((((a?){9}){9}){9}){9}){9}){9}){9}){9})",
            "a{0,1000}b{0,1000}c{0,1000}d{0,1000}e{0,1000}" + everyOther(8_000),
            "a{0,1000}".repeat(20) + everyOther(15_000),
            everyOther(13_000) + "{70}",
            IntStream.range(0, 2_000).mapToObj(n -> ".*x" + n).collect(joining("|")),
            "(?:[ab]*a[ab]{11}c)?".repeat(1_000),
            "((a?){100}){20}".repeat(50))) {
      // under a second on an idle machine; what is not paid for takes ten seconds, minutes, or all
      // memory
      assertTimeoutPreemptively(
          Duration.ofSeconds(10),
          () ->
              assertThatThrownBy(() -> Grammar.regex(pattern))
                  .as(pattern.substring(0, Math.min(60, pattern.length())))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageStartingWith("regex: too complex: "));
    }
    assertThatThrownBy(() -> Grammar.regex("(".repeat(300) + ")".repeat(300)))
        .hasMessage("regex: character 201: more than 200 groups inside each other");
  }

  @Test
  void tooManyStatesAreFoundWhileTheyAreMade() {
    // 2³¹ states: which of the last 31 characters were an a
    assertThatThrownBy(() -> Grammar.regex("(a|b)*a(a|b){30}"))
        .hasMessage("regex: too complex: 60,001 states (expected: at most 60,000)");
    EffortBudget budget = new EffortBudget();
    Languages languages = new Languages(budget);
    assertThatThrownBy(
            () -> languages.deterministic(RegexParser.parse("(a|b)*a(a|b){30}", languages).body()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(budget.spent()).isLessThan(EffortBudget.MAX_EFFORT / 4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a|ab){0,3}",
        "(ab?){2,}",
        "(a?){0}",
        "a{0,0}b",
        "(a*b){1,2}",
        "(a|b){3}",
        "(aa|a){2,5}",
        "(a*){2,}",
        "(ab|b)*",
        "((ab|a)*b)+",
        "(a{2}|b{1,}){2,3}",
        "(a|aba)+b?",
        "(()){3}a",
        "(b(ab)*){0,2}a"
      })
  void repetitionsMatchWhatJavasDo(String pattern) {
    Grammar grammar = Grammar.regex(pattern);
    Pattern java = Pattern.compile(pattern);
    for (int length = 0; length <= 8; length++) {
      for (int word = 0; word < 1 << length; word++) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
          text.append((word >> i & 1) == 0 ? 'a' : 'b');
        }
        assertThat(grammar.matches(text.toString()))
            .as("%s on '%s'", pattern, text)
            .isEqualTo(java.matcher(text).matches());
      }
    }
  }

  /** A class of so many characters, of which no two are neighbours. */
  private static String everyOther(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> Character.toString('一' + 2 * i))
        .collect(joining("", "[", "]"));
  }

  @Test
  void theEffortForAllPartsOfAGrammarTogetherIsBounded() {
    EffortBudget budget = new EffortBudget();
    Languages languages = new Languages(budget);
    Automaton part = RegexParser.parse("(a|b)*a(a|b){9}", languages).body();
    languages.deterministic(part);
    long once = budget.spent();
    assertThat(once).isGreaterThan(1_024); // 2¹⁰ states: which of the last ten were an a
    assertThatThrownBy(
            () -> {
              for (long paid = 0; paid <= EffortBudget.MAX_EFFORT; paid += once / 2) {
                languages.deterministic(part);
              }
            })
        .hasMessage("too complex: more than 5,000,000 looks at a state or transition on the way");
  }

  @Test
  void theLengthOfAPatternIsBounded() {
    assertThatThrownBy(() -> Grammar.regex(""))
        .hasMessage("regex: 0 characters (expected: 1 to 32,768)");
    assertThatThrownBy(() -> Grammar.regex("a".repeat(40_000)))
        .hasMessage("regex: 40,000 characters (expected: 1 to 32,768)");
  }

  @Test
  void grammarsOfTheSameTextAreEqual() {
    assertThat(Grammar.regex("a|b")).isEqualTo(Grammar.regex("a|b"));
    assertThat(Grammar.regex("a|b")).isNotEqualTo(Grammar.regex("b|a"));
    assertThat(Grammar.regex("a|b").hashCode()).isEqualTo(Grammar.regex("a|b").hashCode());
  }
}
