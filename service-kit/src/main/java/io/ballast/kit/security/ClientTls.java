package io.ballast.kit.security;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * How a client of the mesh, such as the command line, encrypts. Its files are read once.
 *
 * @param authorities PEM of those that are believed; empty: those of this Java
 * @param identity what it proves itself with; empty: nothing
 */
public record ClientTls(Optional<Path> authorities, Optional<Identity> identity) {
  /**
   * What a client proves itself with.
   *
   * @param certificate PEM, its own first
   * @param key PEM, PKCS #8, without a passphrase
   */
  public record Identity(Path certificate, Path key) {}

  /**
   * What encrypts; the server must prove the host name that it is called by.
   *
   * @param names of the options of authorities, certificate and key, for messages
   * @throws MeshException PRECONDITION_FAILED, naming a file that cannot be used and why
   */
  public SslContext context(Names names) {
    SslContextBuilder builder = GrpcSslContexts.forClient();
    authorities.ifPresent(
        file -> builder.trustManager(TlsFiles.certificates(names.authorities(), file)));
    identity.ifPresent(
        shown -> {
          List<X509Certificate> chain =
              TlsFiles.certificates(names.certificate(), shown.certificate());
          builder.keyManager(TlsFiles.key(names.key(), shown.key(), chain.getFirst()), chain);
        });
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new MeshException(Fault.PRECONDITION_FAILED, "TLS is not usable: " + e.getMessage(), e);
    }
  }

  /** What the options, or the variables, are called. */
  public record Names(String authorities, String certificate, String key) {}

  /**
   * What options say.
   *
   * @param authorities a file, or {@code system} for those of this Java; null: no TLS
   * @param certificate a file; null: nothing is proved
   * @param key a file
   * @throws MeshException MALFORMED_REQUEST if one is given without what belongs to it
   */
  public static Optional<ClientTls> of(
      @Nullable String authorities,
      @Nullable String certificate,
      @Nullable String key,
      Names names) {
    if ((certificate == null) != (key == null)) {
      throw together(names.certificate(), names.key());
    }
    if (authorities == null) {
      if (certificate != null) {
        throw together(names.certificate(), names.authorities());
      }
      return Optional.empty();
    }
    return Optional.of(
        new ClientTls(
            authorities.equals("system") ? Optional.empty() : Optional.of(Path.of(authorities)),
            certificate == null || key == null
                ? Optional.empty()
                : Optional.of(new Identity(Path.of(certificate), Path.of(key)))));
  }

  private static MeshException together(String one, String other) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, "%s and %s belong together".formatted(one, other));
  }
}
