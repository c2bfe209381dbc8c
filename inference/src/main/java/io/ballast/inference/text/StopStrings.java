package io.ballast.inference.text;

import java.util.List;

/**
 * Looks for several strings in a text that arrives character by character. A character costs a step
 * for each string, however long they are.
 *
 * <p>Source: Knuth, Morris and Pratt 1977, "Fast pattern matching in strings", SIAM J. Comput.
 * 6(2).
 */
final class StopStrings {
  private final String[] stops;

  /** For each string and each of its beginnings, the longest shorter beginning that ends it. */
  private final int[][] fallbacks;

  /** How many characters of each string the text ends with. */
  private final int[] matched;

  /**
   * Looks for {@code stops} from the beginning of a text.
   *
   * @param stops none empty
   */
  StopStrings(List<String> stops) {
    this.stops = stops.toArray(new String[0]);
    this.fallbacks = new int[this.stops.length][];
    this.matched = new int[this.stops.length];
    for (int i = 0; i < this.stops.length; i++) {
      fallbacks[i] = fallbacks(this.stops[i]);
    }
  }

  private static int[] fallbacks(String stop) {
    int[] fallbacks = new int[stop.length() + 1];
    int length = 0;
    for (int i = 1; i < stop.length(); i++) {
      while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
        length = fallbacks[length];
      }
      if (stop.charAt(i) == stop.charAt(length)) {
        length++;
      }
      fallbacks[i + 1] = length;
    }
    return fallbacks;
  }

  /**
   * Reads the text's next character.
   *
   * @return the length of the longest string that the text ends with now, 0 if none
   */
  int longestEndingWith(char next) {
    int longest = 0;
    for (int i = 0; i < stops.length; i++) {
      String stop = stops[i];
      int length = matched[i] == stop.length() ? fallbacks[i][matched[i]] : matched[i];
      while (length > 0 && stop.charAt(length) != next) {
        length = fallbacks[i][length];
      }
      if (stop.charAt(length) == next) {
        length++;
      }
      matched[i] = length;
      if (length == stop.length()) {
        longest = Math.max(longest, length);
      }
    }
    return longest;
  }

  /** How many of the text's last characters may be the beginning of a string. */
  int begun() {
    int begun = 0;
    for (int i = 0; i < stops.length; i++) {
      begun = Math.max(begun, matched[i]);
    }
    return begun;
  }
}
