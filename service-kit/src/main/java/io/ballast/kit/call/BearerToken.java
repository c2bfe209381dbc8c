package io.ballast.kit.call;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The bearer token that a server demands: read from where the operator of a client keeps it, a file
 * or an environment variable, and compared with what a call carries. No message has the token, nor
 * the path of its file.
 */
public final class BearerToken {
  /** What is said to who has not the token. */
  public static final String ABSENT_OR_WRONG =
      "the header 'authorization: Bearer <token>' is absent or wrong";

  private static final int MOST_BYTES = 16 << 10;

  private BearerToken() {}

  /**
   * Reads it once.
   *
   * @param prefix of the properties' names in messages, such as {@code remotes.far.}
   * @param file holds it; absent: not in a file
   * @param variable names the environment variable that holds it; not read beside a file
   * @param environment gives a variable's value
   * @return the token without space around it; empty if neither is given
   * @throws IllegalArgumentException if what is given cannot be read, is blank, or is no token, as
   *     {@code <prefix>token-file: blank (expected: …)}
   */
  public static Optional<String> read(
      String prefix,
      Optional<Path> file,
      Optional<String> variable,
      Function<String, @Nullable String> environment) {
    if (file.isPresent()) {
      return Optional.of(checked(prefix + "token-file", content(prefix, file.get())));
    }
    if (variable.isEmpty()) {
      return Optional.empty();
    }
    String value = environment.apply(variable.get());
    if (value == null) {
      throw flaw(
          prefix + "token-variable",
          variable.get() + " is not set",
          "a variable of the environment with the token",
          null);
    }
    return Optional.of(checked(prefix + "token-variable", value));
  }

  /**
   * Whether a call carries the token. How long it takes tells nothing of the token.
   *
   * @param authorization the header, as it came; null: absent
   */
  public static boolean isCarried(@Nullable String authorization, String token) {
    return authorization != null
        && MessageDigest.isEqual(
            ("Bearer " + token).getBytes(StandardCharsets.UTF_8),
            authorization.getBytes(StandardCharsets.UTF_8));
  }

  private static String content(String prefix, Path file) {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MOST_BYTES + 1);
    } catch (IOException e) {
      throw flaw(prefix + "token-file", "cannot be read", "a file with the token", e);
    }
    if (bytes.length > MOST_BYTES) {
      throw flaw(
          prefix + "token-file",
          "more than %,d bytes".formatted(MOST_BYTES),
          "a file with the token",
          null);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static String checked(String property, String value) {
    String token = value.strip();
    if (token.isEmpty()) {
      throw flaw(property, "blank", "the token", null);
    }
    if (!token.chars().allMatch(each -> each > ' ' && each < 0x7f)) {
      throw flaw(
          property, "not shown", "one token of visible ASCII without space, as headers take", null);
    }
    return token;
  }

  private static IllegalArgumentException flaw(
      String property, String flaw, String expected, @Nullable Exception cause) {
    return new IllegalArgumentException(
        "%s: %s (expected: %s)".formatted(property, flaw, expected), cause);
  }
}
