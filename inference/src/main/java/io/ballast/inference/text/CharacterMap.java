package io.ballast.inference.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * SentencePiece's table of what each character is before a text is cut into pieces: the length in
 * bytes of a double array as an unsigned 32-bit number, the array, and the replacements as UTF-8,
 * each up to a zero byte. All numbers are little-endian. The array is Darts's: from the place that
 * a unit's offset leads to, a byte leads to the unit at that place XOR the byte, if that unit's
 * label is the byte.
 *
 * <p>The Hugging Face library follows a text through the array without a look at where it ends, so
 * that it is walked here: all bytes lead to places that are there, and replacements begin where one
 * may.
 */
final class CharacterMap {
  /** The label of a unit, with a bit that is set in those that hold a value instead. */
  private static final int LABEL = 1 << 31 | 0xFF;

  private static final int VALUE = ~(1 << 31);
  private static final int HAS_VALUE = 1 << 8;
  private static final int FAR = 1 << 9;
  private static final int MOST_BYTES = 0xFF;

  private final IntBuffer units;
  private final byte[] replacements;

  private CharacterMap(IntBuffer units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /** What is wrong with a table in base64; null if nothing is. */
  static @Nullable String flaw(String base64) {
    byte[] table;
    try {
      table = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      return "no base64";
    }
    if (!Base64.getEncoder().encodeToString(table).equals(base64)) {
      return "no base64, with its padding"; // the library takes one way to write it
    }
    return flaw(ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN));
  }

  private static @Nullable String flaw(ByteBuffer table) {
    if (table.remaining() < Integer.BYTES) {
      return "no table";
    }
    long bytes = Integer.toUnsignedLong(table.getInt()) / Integer.BYTES * Integer.BYTES;
    if (bytes == 0 || bytes > table.remaining()) {
      return "an array of %,d bytes, of which there are %,d".formatted(bytes, table.remaining());
    }
    IntBuffer units = table.slice(table.position(), (int) bytes).order(table.order()).asIntBuffer();
    byte[] replacements = new byte[table.remaining() - (int) bytes];
    table.get(table.position() + (int) bytes, replacements);
    try {
      var unused = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
    } catch (CharacterCodingException e) {
      return "replacements that are no UTF-8";
    }
    return new CharacterMap(units, replacements).walk();
  }

  private @Nullable String walk() {
    BitSet seen = new BitSet(units.limit());
    Deque<Integer> left = new ArrayDeque<>();
    left.add(offset(units.get(0)));
    while (!left.isEmpty()) {
      int base = left.remove();
      if ((base | MOST_BYTES) >= units.limit()) {
        return "an array that leads out of itself";
      }
      for (int next = 1; next <= MOST_BYTES; next++) { // a zero byte ends the way
        int place = base ^ next;
        int unit = units.get(place);
        if ((unit & LABEL) != next || seen.get(place)) {
          continue;
        }
        seen.set(place);
        int onward = place ^ offset(unit);
        if ((unit & HAS_VALUE) != 0 && !isReplacement(onward)) {
          return "a replacement that is not there";
        }
        left.add(onward);
      }
    }
    return null;
  }

  /** At most 30 bits: 22, moved on by eight or not. */
  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & FAR) >>> 6);
  }

  /** Whether the value of a place is where a character of the replacements begins, or their end. */
  private boolean isReplacement(int place) {
    if (place >= units.limit()) {
      return false;
    }
    int at = units.get(place) & VALUE;
    return at == replacements.length
        || (at < replacements.length && (replacements[at] & 0xC0) != 0x80);
  }
}
