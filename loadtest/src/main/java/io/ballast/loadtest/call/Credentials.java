package io.ballast.loadtest.call;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.ClientTls;
import io.netty.handler.ssl.SslContext;
import java.util.Map;
import java.util.Optional;

/**
 * What calls show, and how they are encrypted: what the environment says, as of every command.
 *
 * @param token that calls carry; empty: none
 * @param tls what encrypts; empty: nothing
 */
public record Credentials(String token, Optional<SslContext> tls) {
  /** None: for meshes that ask for nothing. */
  public static final Credentials NONE = new Credentials("", Optional.empty());

  private static final ClientTls.Names NAMES =
      new ClientTls.Names("BALLAST_TLS_CA", "BALLAST_CLIENT_CERTIFICATE", "BALLAST_CLIENT_KEY");

  /**
   * Reads {@code BALLAST_TOKEN} and the three variables of TLS.
   *
   * @throws IllegalArgumentException naming a variable whose file cannot be used
   */
  public static Credentials of(Map<String, String> environment) {
    try {
      return new Credentials(
          environment.getOrDefault("BALLAST_TOKEN", ""),
          ClientTls.of(
                  environment.get(NAMES.authorities()),
                  environment.get(NAMES.certificate()),
                  environment.get(NAMES.key()),
                  NAMES)
              .map(tls -> tls.context(NAMES)));
    } catch (MeshException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Never the token. */
  @Override
  public String toString() {
    return (token.isEmpty() ? "no token" : "a token") + (tls.isPresent() ? ", TLS" : ", no TLS");
  }
}
