package io.ballast.standalone.process;

import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.security.spec.InvalidKeySpecException;
import java.util.HexFormat;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * What an audit trail keeps of the mesh's token, so that a replaced one is seen. One token in
 * 65,536 has the same mark, so that nobody can prove a guess by it, and each guess costs as many
 * rounds. It must never change: a mark that is computed otherwise looks like another token.
 */
final class TokenMark {
  private static final byte[] SALT =
      "ballast.token in an audit trail".getBytes(StandardCharsets.US_ASCII);

  private static final int ROUNDS = 200_000;
  private static final int BITS = 16;

  private TokenMark() {}

  /** Returns the mark of {@code token}: four lower-case hexadecimal digits. */
  static String of(String token) {
    PBEKeySpec spec = new PBEKeySpec(token.toCharArray(), SALT, ROUNDS, BITS);
    try {
      byte[] mark =
          SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
      return HexFormat.of().formatHex(mark);
    } catch (NoSuchAlgorithmException | InvalidKeySpecException e) {
      throw new IllegalStateException("every Java platform has PBKDF2 with SHA-256", e);
    } finally {
      spec.clearPassword();
    }
  }
}
