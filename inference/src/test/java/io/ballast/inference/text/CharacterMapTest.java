package io.ballast.inference.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.onnx.EncoderTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A table of characters is taken if the library can follow every text through it. */
class CharacterMapTest {
  private static final int UNITS = 512;
  private static final int BASE = 256;
  private static final int HAS_VALUE = 1 << 8;
  private static final int FAR = 1 << 9;

  /** Where {@code a} leads to from {@link #BASE}. */
  private static final int PLACE = BASE ^ 'a';

  private final int[] units = new int[UNITS];
  private byte[] replacements = bytes("b\0é\0");

  @TempDir private Path folder;

  /** A table that makes {@code a} to {@code b}, in the one way that there is. */
  CharacterMapTest() {
    units[0] = BASE << 10;
    units[PLACE] = ((PLACE ^ BASE) << 10) | HAS_VALUE | 'a';
    units[BASE] = 1 << 31; // the value 0
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  String table() {
    return table(Integer.BYTES * units.length);
  }

  private String table(int said) {
    ByteBuffer table =
        ByteBuffer.allocate(Integer.BYTES * (1 + units.length) + replacements.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(said);
    for (int unit : units) {
      table.putInt(unit);
    }
    return Base64.getEncoder().encodeToString(table.put(replacements).array());
  }

  @Test
  void aWholeOneIsTakenAndDoesItsWork() throws IOException {
    assertThat(CharacterMap.flaw(table())).isNull();

    String json =
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": {"type": "Precompiled", "precompiled_charsmap": "%s"},
         "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "vocab": {"?": 0, "b": 1, "a": 2}, "unk_token": "?"}}
        """
            .formatted(table());
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json);
    try (EncoderTokenizer tokenizer = EncoderTokenizer.open(file)) {
      assertThat(tokenizer.encode("a b a", false)).containsExactly(1, 1, 1);
    }
  }

  @Test
  void whatIsNoTableIsNamed() {
    assertThat(CharacterMap.flaw("!")).isEqualTo("no base64");
    assertThat(CharacterMap.flaw("AAAAAA")).isEqualTo("no base64, with its padding");
    assertThat(CharacterMap.flaw("")).isEqualTo("no table");
    assertThat(CharacterMap.flaw("AAAAAA==")).contains("an array of 0 bytes");
    assertThat(CharacterMap.flaw(table(-1))).startsWith("an array of 4,294,967,292 bytes");
    replacements = new byte[] {(byte) 0xC3};
    assertThat(CharacterMap.flaw(table())).isEqualTo("replacements that are no UTF-8");
  }

  @Test
  void anArrayThatLeadsOutOfItselfIsRefused() {
    units[0] = UNITS << 10;
    assertThat(CharacterMap.flaw(table())).contains("leads out");

    units[0] = (BASE << 10) | FAR; // the offset times 256
    assertThat(CharacterMap.flaw(table())).contains("leads out");

    units[0] = BASE << 10;
    units[PLACE] = ((PLACE ^ UNITS) << 10) | 'a';
    assertThat(CharacterMap.flaw(table())).contains("leads out");

    units[PLACE] = Integer.MAX_VALUE << 10 >>> 1 | FAR | 'a'; // as far as there is
    assertThat(CharacterMap.flaw(table())).contains("leads out");
  }

  @Test
  void aReplacementThatIsNotThereIsRefused() {
    units[BASE] = 1 << 31 | 3; // within é, which is two bytes
    assertThat(CharacterMap.flaw(table())).contains("a replacement that is not there");

    units[BASE] = 1 << 31 | replacements.length + 1;
    assertThat(CharacterMap.flaw(table())).contains("a replacement that is not there");

    units[BASE] = 1 << 31 | replacements.length; // the empty one at the end
    assertThat(CharacterMap.flaw(table())).isNull();
  }
}
