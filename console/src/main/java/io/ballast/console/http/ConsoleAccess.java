package io.ballast.console.http;

import java.net.URI;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask.
 *
 * @param known whether somebody who shows this header {@code authorization} may see the console
 * @param loopback whether the console listens on loopback alone; a name that leads there from
 *     elsewhere (DNS rebinding) is refused then
 */
public record ConsoleAccess(Predicate<Optional<String>> known, boolean loopback) {
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
    return knows(authorization) ? Optional.empty() : Optional.of(Failure.NO_TOKEN);
  }

  /** Whether somebody who shows this header may see the console now. */
  boolean knows(@Nullable String authorization) {
    return known.test(Optional.ofNullable(authorization));
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
}
