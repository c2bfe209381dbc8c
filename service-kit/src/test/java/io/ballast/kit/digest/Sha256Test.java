package io.ballast.kit.digest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of FIPS 180-4, whatever the bytes come in. */
class Sha256Test {
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @Test
  void anExampleOfTheStandard(@TempDir Path folder) throws Exception {
    assertThat(Sha256.of("abc")).isEqualTo(ABC);
    assertThat(Sha256.of("abc".getBytes(StandardCharsets.UTF_8))).isEqualTo(ABC);
    assertThat(Sha256.of(Files.writeString(folder.resolve("abc"), "abc"))).isEqualTo(ABC);
    MessageDigest inPieces = Sha256.digest();
    inPieces.update((byte) 'a');
    inPieces.update("bc".getBytes(StandardCharsets.UTF_8));
    assertThat(Sha256.hex(inPieces)).isEqualTo(ABC);
  }

  @Test
  void aChecksumIsToldFromOtherTexts() {
    assertThat(Sha256.matches(ABC)).isTrue();
    assertThat(Sha256.matches(ABC.toUpperCase(Locale.ROOT))).isFalse();
    assertThat(Sha256.matches(ABC.substring(1))).isFalse();
    assertThat(Sha256.matches(ABC + "a")).isFalse();
  }
}
