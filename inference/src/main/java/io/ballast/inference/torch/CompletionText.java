package io.ballast.inference.torch;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The text of a completion as its bytes arrive: whole characters only, nothing that may yet turn
 * out to begin a stop string, and nothing that was typed already.
 */
final class CompletionText {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private final List<String> stopStrings;
  private final StringBuilder text = new StringBuilder();
  private ByteBuffer undecoded = ByteBuffer.allocate(0);
  private int typedBytesLeft;
  private int released;
  private boolean stopped;

  /**
   * Starts empty.
   *
   * @param typedBytes how many of the first bytes were typed already and belong to no completion
   */
  CompletionText(List<String> stopStrings, int typedBytes) {
    this.stopStrings = List.copyOf(stopStrings);
    this.typedBytesLeft = typedBytes;
  }

  /** Takes a token's bytes and returns the text that has become certain. */
  String append(byte[] bytes) {
    int skipped = Math.min(typedBytesLeft, bytes.length);
    typedBytesLeft -= skipped;
    ByteBuffer input = ByteBuffer.allocate(undecoded.remaining() + bytes.length - skipped);
    input.put(undecoded).put(bytes, skipped, bytes.length - skipped).flip();
    decode(input, false);
    undecoded = input.slice();
    return release(false);
  }

  /** Ends the text and returns what had been held back; a broken character becomes U+FFFD. */
  String finish() {
    if (!stopped) {
      decode(undecoded, true);
    }
    return release(true);
  }

  /** Whether a stop string has come. */
  boolean stopped() {
    return stopped;
  }

  /** The whole text, before the stop string if there is one. */
  String text() {
    return text.toString();
  }

  private void decode(ByteBuffer input, boolean last) {
    CharBuffer output = CharBuffer.allocate(input.remaining() + 1);
    decoder.decode(input, output, last);
    text.append(output.flip());
  }

  private String release(boolean last) {
    if (!stopped) {
      int end = firstStop();
      stopped = end >= 0;
      if (stopped) {
        text.setLength(end);
      }
    }
    int certain = last || stopped ? text.length() : text.length() - heldBack();
    String fresh = text.substring(released, Math.max(released, certain));
    released += fresh.length();
    return fresh;
  }

  private int firstStop() {
    int first = -1;
    for (String stop : stopStrings) {
      int at = text.indexOf(stop, released);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** Length of the longest end of the text that begins a stop string. */
  private int heldBack() {
    int held = 0;
    for (String stop : stopStrings) {
      for (int length = Math.min(stop.length() - 1, text.length() - released);
          length > held;
          length--) {
        if (stop.startsWith(text.substring(text.length() - length))) {
          held = length;
        }
      }
    }
    return held;
  }
}
