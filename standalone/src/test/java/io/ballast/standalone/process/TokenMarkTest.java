package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A mark tells a token from the one before, and is the same in every release. */
class TokenMarkTest {
  @Test
  void itIsTheFirstSixteenBitsOfPbkdf2() {
    // hashlib.pbkdf2_hmac("sha256", token, b"ballast.token in an audit trail", 200000, 2).hex()
    assertThat(TokenMark.of("hush-hush")).isEqualTo("5e14");
    assertThat(TokenMark.of("0123456789abcdef0123456789abcdef")).isEqualTo("a8ff");
  }

  @Test
  void anotherTokenHasAnotherMark() {
    assertThat(TokenMark.of("hush-hush-2")).isEqualTo("1869");
  }

  @Test
  void lettersBeyondAsciiAreTheirUtf8() {
    assertThat(TokenMark.of("Schlüssel")).isEqualTo("265b");
  }
}
