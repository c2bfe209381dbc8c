package io.ballast.inference.triton;

import io.grpc.Metadata;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import javax.net.ssl.SSLException;

/**
 * How connections are secured, and what servers are told of who asks. Without encryption everybody
 * on the way reads along, tokens too: that is for one machine, or for a mesh that encrypts itself.
 *
 * @param encrypted whether connections use TLS; the server must prove the host name of its address
 * @param trusted a PEM file of the authorities that are believed; empty: those of this Java
 * @param metadata what goes with each call, by lower-case name, such as {@code authorization}
 */
public record KServeSecurity(
    boolean encrypted, Optional<Path> trusted, Map<String, String> metadata) {
  private static final String AUTHORIZATION = "authorization";

  public KServeSecurity {
    metadata = Map.copyOf(metadata);
    if (trusted.isPresent() && !encrypted) {
      throw new IllegalArgumentException(
          "trusted: " + trusted.get() + " (expected: none without encryption)");
    }
    metadata.forEach(KServeSecurity::requireSendable);
  }

  /** No encryption, and nothing about who asks. */
  public static KServeSecurity none() {
    return new KServeSecurity(false, Optional.empty(), Map.of());
  }

  /** TLS; this Java's authorities are believed. */
  public static KServeSecurity tls() {
    return new KServeSecurity(true, Optional.empty(), Map.of());
  }

  /** TLS; the authorities in a PEM file are believed, and no others. */
  public static KServeSecurity tls(Path trusted) {
    return new KServeSecurity(true, Optional.of(trusted), Map.of());
  }

  /** Returns these with a bearer token for each call. */
  public KServeSecurity withBearerToken(String token) {
    return withMetadata(AUTHORIZATION, "Bearer " + token);
  }

  /**
   * Returns these with one more entry of metadata for each call.
   *
   * @param name in lower case, not one of binary values
   * @throws IllegalArgumentException if it cannot travel, without saying what the value is
   */
  public KServeSecurity withMetadata(String name, String value) {
    Map<String, String> more = new TreeMap<>(metadata);
    more.put(name, value);
    return new KServeSecurity(encrypted, trusted, more);
  }

  /** Shows the names of the metadata and not their values, which may be secrets. */
  @Override
  public String toString() {
    return "KServeSecurity[encrypted=%s, trusted=%s, metadata=%s]"
        .formatted(encrypted, trusted, new TreeSet<>(metadata.keySet()));
  }

  /** Returns what goes with each call. */
  Metadata headers() {
    Metadata headers = new Metadata();
    metadata.forEach((name, value) -> headers.put(key(name), value));
    return headers;
  }

  /**
   * Returns what encrypts.
   *
   * @throws IllegalArgumentException if the file of authorities cannot be read as such, named
   */
  SslContext sslContext() {
    SslContextBuilder builder = GrpcSslContexts.forClient();
    try {
      trusted.ifPresent(file -> builder.trustManager(file.toFile()));
      return builder.build();
    } catch (IllegalArgumentException | SSLException e) {
      throw new IllegalArgumentException(
          "trusted: %s: %s (expected: certificates as PEM)"
              .formatted(trusted.map(Path::toString).orElse("this Java's"), e.getMessage()),
          e);
    }
  }

  private static void requireSendable(String name, String value) {
    if (!name.matches("[a-z0-9_.-]+") || name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
      throw new IllegalArgumentException(
          "metadata: '"
              + name
              + "' (expected: a name of a-z, 0-9, '_', '.' and '-', without -bin)");
    }
    if (value.isBlank() || !value.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new IllegalArgumentException(
          "metadata." + name + ": not shown (expected: printable ASCII in one line, not blank)");
    }
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
