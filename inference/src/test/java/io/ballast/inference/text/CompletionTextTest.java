package io.ballast.inference.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.SamplingOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Text appears as soon as it is certain, and no sooner. */
class CompletionTextTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void plainTextAppearsAtOnce() {
    CompletionText text = new CompletionText(List.of(), 0);
    assertThat(text.append(bytes("foo"))).isEqualTo("foo");
    assertThat(text.append(bytes("();"))).isEqualTo("();");
    assertThat(text.text()).isEqualTo("foo();");
  }

  @Test
  void aCharacterWaitsForItsLastByte() {
    byte[] balloon = bytes("🎈");
    CompletionText text = new CompletionText(List.of(), 0);
    for (int i = 0; i < 3; i++) {
      assertThat(text.append(new byte[] {balloon[i]})).isEmpty();
    }
    assertThat(text.append(new byte[] {balloon[3]})).isEqualTo("🎈");
    assertThat(text.finish()).isEmpty();
  }

  @Test
  void aCharacterThatNeverEndsBecomesTheReplacementCharacter() {
    CompletionText text = new CompletionText(List.of(), 0);
    assertThat(text.append(new byte[] {'a', (byte) 0xF0})).isEqualTo("a");
    assertThat(text.finish()).isEqualTo("\uFFFD");
  }

  @Test
  void theTextEndsBeforeAStopStringThatSpansTokens() {
    CompletionText text = new CompletionText(List.of("\n}", "//"), 0);
    assertThat(text.append(bytes("x;\n"))).isEqualTo("x;");
    assertThat(text.append(bytes("}y"))).isEmpty();
    assertThat(text.stopped()).isTrue();
    assertThat(text.text()).isEqualTo("x;");
  }

  @Test
  void whatOnlyLookedLikeAStopStringAppearsLater() {
    CompletionText text = new CompletionText(List.of("\n}"), 0);
    assertThat(text.append(bytes("x;\n"))).isEqualTo("x;");
    assertThat(text.append(bytes("y"))).isEqualTo("\ny");
    assertThat(text.append(bytes("\n"))).isEmpty();
    assertThat(text.finish()).isEqualTo("\n");
    assertThat(text.text()).isEqualTo("x;\ny\n");
  }

  @Test
  void theFirstOfSeveralStopStringsCounts() {
    CompletionText text = new CompletionText(List.of("c", "bc"), 0);
    assertThat(text.append(bytes("abc"))).isEqualTo("a");
    assertThat(text.text()).isEqualTo("a");
  }

  @Test
  void whatWasTypedAlreadyIsLeftOutEvenAcrossTokens() {
    CompletionText text = new CompletionText(List.of(), 3);
    assertThat(text.append(bytes("pr"))).isEmpty();
    assertThat(text.append(bytes("intln"))).isEqualTo("ntln");
    assertThat(text.text()).isEqualTo("ntln");
  }

  @Test
  void charactersOfThreeAndFourBytesSplitAnywhereAppearWhole() {
    byte[] all = bytes("a€🎈é漢");
    for (int first = 0; first <= all.length; first++) {
      for (int second = first; second <= all.length; second++) {
        CompletionText text = new CompletionText(List.of(), 0);
        StringBuilder pieces = new StringBuilder();
        pieces.append(text.append(Arrays.copyOfRange(all, 0, first)));
        pieces.append(text.append(Arrays.copyOfRange(all, first, second)));
        pieces.append(text.append(Arrays.copyOfRange(all, second, all.length)));
        assertThat(pieces.toString()).isEqualTo("a€🎈é漢").doesNotContain("\uFFFD");
        assertThat(text.finish()).isEmpty();
      }
    }
  }

  @Test
  void aStopStringMayBeginInsideTheTokenThatEndsACharacter() {
    byte[] balloon = bytes("🎈");
    CompletionText text = new CompletionText(List.of("🎈;"), 0);
    assertThat(text.append(new byte[] {'x', balloon[0], balloon[1]})).isEqualTo("x");
    assertThat(text.append(new byte[] {balloon[2], balloon[3], ';', 'y'})).isEmpty();
    assertThat(text.stopped()).isTrue();
    assertThat(text.text()).isEqualTo("x");
  }

  @Test
  void bytesThatAreNoCharacterAreReplacedAndTheRestIsRead() {
    CompletionText text = new CompletionText(List.of("b"), 0);
    assertThat(text.append(new byte[] {'a', (byte) 0xFF, (byte) 0xC3})).isEqualTo("a\uFFFD");
    assertThat(text.append(new byte[] {'a'})).isEqualTo("\uFFFDa");
    assertThat(text.append(new byte[] {'b'})).isEmpty();
    assertThat(text.text()).isEqualTo("a\uFFFD\uFFFDa");
  }

  /** The definition word for word, one character after the other. */
  private static String beforeTheFirstStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String read = text.substring(0, end);
      int longest = stops.stream().filter(read::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return read.substring(0, end - longest);
      }
    }
    return text;
  }

  @Test
  void whereTokensBeginAndEndChangesNothing() {
    SplittableRandom random = new SplittableRandom(4);
    for (int round = 0; round < 2_000; round++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        stops.add(letters(random, 1 + random.nextInt(5)));
      }
      String whole = letters(random, 20);
      CompletionText text = new CompletionText(stops, 0);
      StringBuilder pieces = new StringBuilder();
      for (int at = 0; at < whole.length() && !text.stopped(); ) {
        int next = Math.min(whole.length(), at + 1 + random.nextInt(6));
        pieces.append(text.append(bytes(whole.substring(at, next))));
        assertThat(whole).startsWith(pieces.toString());
        at = next;
      }
      pieces.append(text.finish());
      assertThat(text.text())
          .as("%s before %s", whole, stops)
          .isEqualTo(beforeTheFirstStop(whole, stops))
          .isEqualTo(pieces.toString());
    }
  }

  private static String letters(SplittableRandom random, int length) {
    StringBuilder letters = new StringBuilder();
    for (int i = 0; i < length; i++) {
      letters.append(random.nextInt(3) == 0 ? 'b' : 'a');
    }
    return letters.toString();
  }

  @Test
  void theLongestStopStringsOverTheLongestCompletionAreReadInOneStepEach() {
    List<String> stops = new ArrayList<>();
    for (int i = 0; i < SamplingOptions.MAX_STOP_STRINGS; i++) {
      stops.add("a".repeat(SamplingOptions.MAX_STOP_CHARACTERS - 1) + (char) ('b' + i));
    }
    CompletionText text = new CompletionText(stops, 0);
    StringBuilder pieces = new StringBuilder();
    for (int token = 0; token < SamplingOptions.MAX_NEW_TOKENS; token++) {
      pieces.append(text.append(bytes("aaaa")));
    }
    // all but the longest possible beginning of a stop string has appeared
    assertThat(pieces.length()).isEqualTo(4 * 4_096 - 1_023);
    assertThat(text.append(bytes("q"))).isEmpty();
    assertThat(text.stopped()).isTrue();
    assertThat(text.text()).hasSize(4 * 4_096 - 1_023);
  }
}
