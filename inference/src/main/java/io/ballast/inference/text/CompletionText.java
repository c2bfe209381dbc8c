package io.ballast.inference.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The text of a completion as its bytes arrive: whole characters only, nothing that may yet turn
 * out to begin a stop string, and nothing that was typed already. It does not depend on where
 * tokens begin and end.
 */
public final class CompletionText {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private final StopStrings stops;
  private final StringBuilder text = new StringBuilder();
  private ByteBuffer undecoded = ByteBuffer.allocate(0);
  private int typedBytesLeft;
  private int read;
  private int released;
  private boolean stopped;

  /**
   * Starts empty.
   *
   * @param typedBytes how many of the first bytes were typed already and belong to no completion
   */
  public CompletionText(List<String> stopStrings, int typedBytes) {
    this.stops = new StopStrings(stopStrings);
    this.typedBytesLeft = typedBytes;
  }

  /** Takes a token's bytes and returns the text that has become certain. */
  public String append(byte[] bytes) {
    int skipped = Math.min(typedBytesLeft, bytes.length);
    typedBytesLeft -= skipped;
    ByteBuffer input = ByteBuffer.allocate(undecoded.remaining() + bytes.length - skipped);
    input.put(undecoded).put(bytes, skipped, bytes.length - skipped).flip();
    decode(input, false);
    undecoded = input.slice();
    return release(false);
  }

  /** Ends the text and returns what had been held back; a broken character becomes U+FFFD. */
  public String finish() {
    if (!stopped) {
      decode(undecoded, true);
    }
    return release(true);
  }

  /** Whether a stop string has come. */
  public boolean stopped() {
    return stopped;
  }

  /** The whole text, before the stop string if there is one. */
  public String text() {
    return text.toString();
  }

  private void decode(ByteBuffer input, boolean last) {
    CharBuffer output = CharBuffer.allocate(input.remaining() + 1);
    decoder.decode(input, output, last);
    text.append(output.flip());
  }

  private String release(boolean last) {
    while (!stopped && read < text.length()) {
      int stop = stops.longestEndingWith(text.charAt(read++));
      stopped = stop > 0;
      if (stopped) {
        text.setLength(read - stop);
      }
    }
    int certain = last || stopped ? text.length() : text.length() - stops.begun();
    String fresh = text.substring(released, Math.max(released, certain));
    released += fresh.length();
    return fresh;
  }
}
