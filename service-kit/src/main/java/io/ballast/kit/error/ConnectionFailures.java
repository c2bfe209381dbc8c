package io.ballast.kit.error;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.security.GeneralSecurityException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/**
 * What became of a call on its way to a peer, as anybody may be told it: the kind of failure in a
 * few words. Where a peer stands is for the log alone.
 */
public final class ConnectionFailures {
  private static final String BROKEN_OFF = "connection broken off";

  /** gRPC goes on with the address. */
  private static final Pattern GRPC_DEADLINE =
      Pattern.compile("(deadline exceeded after [0-9.]+s).*");

  private ConnectionFailures() {}

  /** Returns the kind of a failure, by what began it; empty if that is none of a connection. */
  public static Optional<String> kind(Throwable failure) {
    Throwable began = Causes.first(failure);
    if (began instanceof ClosedChannelException) { // java.net.http has it behind a refusal
      began = Causes.find(failure, ConnectException.class).map(Throwable.class::cast).orElse(began);
    }
    return switch (began) {
      case UnknownHostException _, UnresolvedAddressException _ ->
          Optional.of("its host is not known");
      case NoRouteToHostException _ -> Optional.of("no route to its host");
      case ConnectException e -> Optional.of(refusal(String.valueOf(e.getMessage())));
      case SSLException _, GeneralSecurityException _ -> Optional.of("TLS failed");
      case SocketException _, ClosedChannelException _, EOFException _ -> Optional.of(BROKEN_OFF);
      default -> Optional.empty();
    };
  }

  /** Whether a connection was there and ended before the call did. */
  public static boolean isBrokenOff(Throwable failure) {
    return words(failure).equals(BROKEN_OFF);
  }

  private static String refusal(String words) {
    String told = words.toLowerCase(Locale.ROOT);
    if (told.contains("timed out")) {
      return "connection timed out";
    }
    return Stream.of("connection refused", "network is unreachable")
        .filter(told::contains)
        .findFirst()
        .orElse("no connection");
  }

  /** Returns what is told of any failure on the way to a peer. */
  public static String words(Throwable failure) {
    Throwable began = Causes.first(failure);
    return kind(failure)
        .orElse(began instanceof IOException ? BROKEN_OFF : began.getClass().getSimpleName());
  }

  /**
   * Returns what is told of a call by gRPC that failed on its way.
   *
   * @param said gRPC's own words, such as "io exception", whose first line is told where the cause
   *     is no connection's
   * @param unavailable whether gRPC calls the peer unavailable
   */
  public static String words(String said, boolean unavailable, Throwable cause) {
    Throwable began = Causes.first(cause);
    String other =
        unavailable && began instanceof IOException
            ? BROKEN_OFF
            : firstLine(said) + ", " + began.getClass().getSimpleName();
    return kind(cause).orElse(other);
  }

  /** Returns what gRPC says of a deadline that passed, in a line, without the address. */
  public static String late(String said) {
    return GRPC_DEADLINE.matcher(firstLine(said)).replaceFirst("$1");
  }

  private static String firstLine(String said) {
    return said.lines().findFirst().orElse("");
  }
}
