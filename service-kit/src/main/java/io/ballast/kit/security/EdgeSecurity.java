package io.ballast.kit.security;

import java.util.Optional;

/**
 * Who may call a server, and how connections to it are secured.
 *
 * @param identities who callers are
 * @param rates how often each may call
 * @param connections what one connection may take
 * @param tls what the server proves itself with; empty: connections are not encrypted
 */
public record EdgeSecurity(
    Identities identities,
    RateLimits rates,
    ConnectionLimits connections,
    Optional<TlsIdentity> tls) {
  /** Demands a token; empty: nothing. Without encryption. */
  public static EdgeSecurity token(Optional<String> token) {
    return new EdgeSecurity(
        token.map(Identities::token).orElseGet(Identities::open),
        RateLimits.none(),
        ConnectionLimits.usual(),
        Optional.empty());
  }
}
