package io.ballast.kit.call;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What text a server takes: names of folders, and prompts that are whole Unicode; and how it writes
 * lines and counts.
 */
public final class Texts {
  private static final char LINE_SEPARATOR = 0x2028;
  private static final char PARAGRAPH_SEPARATOR = 0x2029;
  private static final int MAX_NAME_CHARACTERS = 128;

  private Texts() {}

  /** Returns what is wrong with {@code text} as Unicode, or null: a surrogate without its pair. */
  public static @Nullable String encodingFlaw(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return "character %d is a lone surrogate (expected: valid UTF-8)".formatted(i);
      }
    }
    return null;
  }

  /**
   * Returns what keeps PostgreSQL from holding {@code text} in a column of texts, or null: U+0000,
   * or a surrogate without its pair.
   */
  public static @Nullable String storageFlaw(String text) {
    int nul = text.indexOf('\0');
    return nul >= 0
        ? "character %d is U+0000 (expected: text that a database can keep)".formatted(nul)
        : encodingFlaw(text);
  }

  /** Returns the bytes of {@code text} in UTF-8. */
  public static int utf8Bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  /**
   * Returns {@code name} if it may name a folder: 1 to 128 of [A-Za-z0-9._-], a letter or digit
   * first, as the model store has it; so no name leads out of the store.
   *
   * @throws MeshException MALFORMED_REQUEST, naming {@code field}
   */
  public static String requireName(String field, String name) {
    if (!isName(name)) {
      String shown = name.length() <= MAX_NAME_CHARACTERS ? name : name.substring(0, 32) + "…";
      throw malformed(
          field,
          "'%s' (expected: 1 to 128 of [A-Za-z0-9._-], a letter or digit first)".formatted(shown));
    }
    return name;
  }

  /** Whether {@link #requireName} takes it. */
  public static boolean isName(String name) {
    return !name.isEmpty()
        && name.length() <= MAX_NAME_CHARACTERS
        && isLetterOrDigit(name.charAt(0))
        && name.chars().allMatch(Texts::mayBeInName);
  }

  /**
   * Returns {@code text} if it fits into one line of a log and one column of a database: at most
   * {@code most} characters, whole Unicode, none a control character.
   *
   * @throws MeshException MALFORMED_REQUEST, naming {@code field}
   */
  public static String requireLine(String field, String text, int most) {
    if (text.length() > most) {
      throw malformed(
          field, "%,d characters (expected: at most %,d)".formatted(text.length(), most));
    }
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        throw malformed(
            field,
            "character %d is U+%04X (expected: no control characters)"
                .formatted(i, (int) text.charAt(i)));
      }
    }
    String flaw = encodingFlaw(text);
    if (flaw != null) {
      throw malformed(field, flaw);
    }
    return text;
  }

  /**
   * Returns {@code text} as it may stand in a line of a log: control characters by their code, and
   * what is beyond {@code most} characters as an ellipsis. Whoever sent it cannot begin a line.
   */
  public static String asLine(String text, int most) {
    int end = Math.min(text.length(), most);
    StringBuilder line = new StringBuilder(end + 1);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c) || c == LINE_SEPARATOR || c == PARAGRAPH_SEPARATOR) {
        line.append("\\u%04x".formatted((int) c));
      } else {
        line.append(c);
      }
    }
    return end < text.length() ? line.append('…').toString() : line.toString();
  }

  /** Returns how many there are of what {@code one} names: "1 row", "2,048 rows". */
  public static String counted(long count, String one) {
    return String.format(Locale.ROOT, "%,d %s%s", count, one, count == 1 ? "" : "s");
  }

  /** Returns the failure that names {@code field} and what is wrong with it. */
  public static MeshException malformed(String field, String flaw) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, field + ": " + flaw, Map.of("field", field, "flaw", flaw));
  }

  private static boolean mayBeInName(int c) {
    return isLetterOrDigit(c) || c == '.' || c == '_' || c == '-';
  }

  private static boolean isLetterOrDigit(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }
}
