package io.ballast.standalone.config;

import io.ballast.kit.security.TlsSettings.ClientCertificates;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Encryption of gRPC, {@code ballast.tls.*}; files alone, which are read again at an interval. */
public interface TlsProperties {
  /** PEM: this process's certificate, then those that lead to an authority; absent: no TLS. */
  Optional<Path> certificate();

  /** PEM: the certificate's key, PKCS #8, without a passphrase. */
  Optional<Path> key();

  /** PEM: the authorities that callers and peers are believed by; absent: those of this Java. */
  Optional<Path> trust();

  /** Whether callers prove themselves by certificates: NONE, OPTIONAL, REQUIRE. */
  @WithDefault("NONE")
  ClientCertificates clientAuth();

  /** How often the files are read again. */
  @WithDefault("PT1M")
  Duration reloadInterval();
}
