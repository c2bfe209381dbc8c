package io.ballast.inference.remote;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a stream of server-sent events, none of them longer than a limit: what a server
 * sends without ever ending its line is not kept.
 */
final class EventLines {
  private final BufferedReader characters;
  private final int maxCharacters;
  private boolean afterReturn;

  EventLines(InputStream events, int maxCharacters) {
    this.characters = new BufferedReader(new InputStreamReader(events, StandardCharsets.UTF_8));
    this.maxCharacters = maxCharacters;
  }

  /** A line that goes on beyond the limit. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1;

    TooLongException(int maxCharacters) {
      super("a line of more than %,d characters".formatted(maxCharacters));
    }
  }

  /**
   * Returns the next line without its end, which is CR, LF or both; null after the last.
   *
   * @throws TooLongException if it is longer than the limit
   */
  @Nullable String next() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = characters.read(); c >= 0; c = characters.read()) {
      boolean secondOfTwo = afterReturn && c == '\n';
      afterReturn = c == '\r';
      if (secondOfTwo) {
        continue;
      }
      if (c == '\n' || c == '\r') {
        return line.toString();
      }
      if (line.length() == maxCharacters) {
        throw new TooLongException(maxCharacters);
      }
      line.append((char) c);
    }
    return line.isEmpty() ? null : line.toString();
  }
}
