package io.ballast.workshop.programmer;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Where in a line a programmer may stop and wait for a suggestion. */
@FunctionalInterface
public interface Cursor {
  /**
   * Returns the places in {@code line}, ascending: n stands before the line's n-th character.
   *
   * @param line one line, indentation included, without its line break
   */
  List<Integer> placesIn(String line);

  /** Any character after the indentation. */
  static Cursor anyCharacter() {
    return line -> IntStream.range(indentation(line), line.length()).boxed().toList();
  }

  /**
   * Only between two tokens of {@code tokenizer}, which must not let a token cross a line break
   * from the left. Lines with characters beyond ASCII have no place.
   */
  static Cursor tokenBoundaries(Tokenizer tokenizer) {
    return line -> {
      if (!line.chars().allMatch(c -> c < 128)) {
        return List.of();
      }
      TokenIds tokens = tokenizer.encode("\n" + line);
      List<Integer> places = new ArrayList<>();
      int place = -1;
      for (int i = 0; i < tokens.size(); i++) {
        place += tokenizer.bytesOf(tokens.get(i)).length;
        if (place >= indentation(line) && place < line.length()) {
          places.add(place);
        }
      }
      return places;
    };
  }

  private static int indentation(String line) {
    return line.length() - line.stripLeading().length();
  }
}
