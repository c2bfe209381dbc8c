package io.ballast.console.http;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask.
 *
 * @param token what a request must carry as {@code authorization: Bearer <token>}; empty: nothing
 * @param loopback whether the console listens on loopback alone; a name that leads there from
 *     elsewhere (DNS rebinding) is refused then
 */
public record ConsoleAccess(Optional<String> token, boolean loopback) {
  private static final String BEARER = "Bearer ";

  /**
   * What speaks against a request; empty: nothing does.
   *
   * @param host the header, such as {@code 127.0.0.1:9180}
   * @param origin the header of a request that a page sent
   */
  Optional<Failure> objection(
      @Nullable String host, @Nullable String origin, @Nullable String authorization) {
    if (loopback && (host == null || !isLoopback(host))) {
      return Optional.of(Failure.FOREIGN_HOST);
    }
    if (origin != null && !isOwn(origin, host)) {
      return Optional.of(Failure.FOREIGN_ORIGIN);
    }
    if (token.isPresent() && !matches(token.get(), authorization)) {
      return Optional.of(Failure.NO_TOKEN);
    }
    return Optional.empty();
  }

  /** The header that a token in a body stands for; null: there is none. */
  @Nullable String headerOf(String bodyToken) {
    return bodyToken.isEmpty() ? null : BEARER + bodyToken;
  }

  private static boolean isLoopback(String host) {
    String name = host.replaceFirst(":\\d+$", "");
    return name.equalsIgnoreCase("localhost") || name.equals("127.0.0.1") || name.equals("[::1]");
  }

  private static boolean isOwn(String origin, @Nullable String host) {
    try {
      return host != null && host.equalsIgnoreCase(URI.create(origin).getRawAuthority());
    } catch (IllegalArgumentException e) {
      return false; // no URI, so not ours
    }
  }

  /** Compares in a time that does not depend on where they differ. */
  private static boolean matches(String token, @Nullable String authorization) {
    return authorization != null
        && authorization.startsWith(BEARER)
        && MessageDigest.isEqual(
            token.getBytes(StandardCharsets.UTF_8),
            authorization.substring(BEARER.length()).getBytes(StandardCharsets.UTF_8));
  }
}
