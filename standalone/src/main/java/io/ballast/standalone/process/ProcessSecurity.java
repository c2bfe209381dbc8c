package io.ballast.standalone.process;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.IdentitySettings;
import io.ballast.kit.security.RateLimits;
import io.ballast.kit.security.TlsIdentity;
import io.ballast.standalone.config.MeshConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who may call this process, and what it shows to those that it calls. */
final class ProcessSecurity implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessSecurity.class);

  private final MeshConfig config;
  private final String secret;
  private final EdgeSecurity edge;

  private ProcessSecurity(MeshConfig config, String secret, EdgeSecurity edge) {
    this.config = config;
    this.secret = secret;
    this.edge = edge;
  }

  /**
   * Reads certificates and keys.
   *
   * @throws MeshException PRECONDITION_FAILED if a file cannot be used, if strangers could call and
   *     nobody said that they may, or if the servers of this mesh have nothing to show each other
   */
  static ProcessSecurity open(MeshConfig config, MeterRegistry meters, InstantSource clock) {
    String secret = UUID.randomUUID().toString();
    Optional<TlsIdentity> tls = config.security().tls().map(TlsIdentity::open);
    try {
      Identities identities =
          Identities.of(
              new IdentitySettings(
                  config.server().bearerToken(),
                  config.security().certificates(),
                  config.security().jwt(),
                  secret),
              tls,
              clock);
      ProcessSecurity security =
          new ProcessSecurity(
              config,
              secret,
              new EdgeSecurity(
                  identities,
                  new RateLimits(
                      config.security().callsPerSecond(), config.security().tenantCallsPerSecond()),
                  config.security().connections(),
                  tls));
      try {
        security.requireDoor();
        security.requireProofForPeers();
      } catch (MeshException e) {
        identities.close();
        throw e;
      }
      tls.ifPresent(own -> measure(own, meters, clock));
      return security;
    } catch (RuntimeException e) {
      tls.ifPresent(TlsIdentity::close);
      throw e;
    }
  }

  /** What guards the server of this process. */
  EdgeSecurity edge() {
    return edge;
  }

  /**
   * What calls carry as {@code authorization: Bearer}.
   *
   * @param toItself whether they go to this process
   */
  Optional<String> token(boolean toItself) {
    return toItself && !edge.identities().isOpen()
        ? Optional.of(secret)
        : config.server().bearerToken();
  }

  /** What encrypts calls to peers, and to this process; empty: nothing. */
  Optional<SslContext> tls() {
    return edge.tls().map(TlsIdentity::forPeers);
  }

  @Override
  public void close() {
    edge.identities().close();
    edge.tls().ifPresent(TlsIdentity::close);
  }

  /** Whoever can reach a mesh that asks nobody could promote, and read what people wrote. */
  private void requireDoor() {
    String host = config.server().host();
    InetSocketAddress at = new InetSocketAddress(host, 0);
    boolean loopback = !at.isUnresolved() && at.getAddress().isLoopbackAddress();
    if (loopback || !edge.identities().isOpen()) {
      return;
    }
    if (!config.security().open()) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          ("ballast.host: %s: whoever reaches it could call this mesh; set ballast.token,"
                  + " ballast.security.jwt.* or ballast.tls.client-auth, or, where the network keeps"
                  + " strangers out, ballast.security.open=true")
              .formatted(host),
          Map.of("host", host));
    }
    LOG.warn("whoever reaches {} may call this mesh: ballast.security.open is true", host);
  }

  private void requireProofForPeers() {
    boolean proof =
        edge.identities().isOpen()
            || config.server().bearerToken().isPresent()
            || edge.tls().filter(TlsIdentity::asksCallers).isPresent();
    if (!proof && !config.peers().isEmpty()) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "ballast.security.jwt: the servers of this mesh have nothing to show each other; set"
              + " ballast.token, or ballast.tls.client-auth=OPTIONAL with certificates, for all",
          Map.of());
    }
  }

  private static void measure(TlsIdentity own, MeterRegistry meters, InstantSource clock) {
    Gauge.builder(
            "ballast.tls.certificate.expiry",
            own,
            tls -> Duration.between(clock.instant(), tls.expires()).toSeconds())
        .description("How long this process's certificate is still good")
        .baseUnit("seconds")
        .tag("certificate", "ballast.tls.certificate")
        .register(meters);
  }
}
