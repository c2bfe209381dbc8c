package io.ballast.kit.security;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.TlsSettings.ClientCertificates;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.AdvancedTlsX509TrustManager.Verification;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate that a process proves itself with, to callers and to peers, and the authorities
 * that it believes. The files are read again at an interval, so that new ones serve the next
 * connections; files that do not fit together are told of in the log, and those before stay.
 * Thread-safe.
 */
public final class TlsIdentity implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsIdentity.class);

  private final TlsSettings settings;
  private final AdvancedTlsX509KeyManager keys = new AdvancedTlsX509KeyManager();
  private final AdvancedTlsX509TrustManager trust;
  private final ScheduledExecutorService reloads;
  private final InstantSource clock;
  private volatile Read current;
  private volatile List<Former> former = List.of();

  /** What the files held when they were last read. */
  private record Read(List<X509Certificate> chain, PrivateKey key, List<X509Certificate> trusted) {}

  /** A certificate that this process had, and until when it still counts as its own. */
  private record Former(X509Certificate leaf, Instant end) {}

  private TlsIdentity(
      TlsSettings settings, AdvancedTlsX509TrustManager trust, Read first, InstantSource clock) {
    this.settings = settings;
    this.trust = trust;
    this.current = first;
    this.clock = clock;
    this.reloads =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("tls-reload").factory());
  }

  /**
   * Reads the files, and from now on again and again.
   *
   * @throws MeshException PRECONDITION_FAILED, naming a file that cannot be used and why
   */
  public static TlsIdentity open(TlsSettings settings) {
    return open(settings, InstantSource.system());
  }

  /**
   * As {@link #open(TlsSettings)}.
   *
   * @param clock by which it is known until when a certificate was this process's; when connections
   *     were made the system's says
   */
  public static TlsIdentity open(TlsSettings settings, InstantSource clock) {
    Read read = read(settings);
    try {
      AdvancedTlsX509TrustManager trust =
          AdvancedTlsX509TrustManager.newBuilder()
              .setVerification(Verification.CERTIFICATE_AND_HOST_NAME_VERIFICATION)
              .build();
      if (settings.trust().isEmpty()) {
        trust.useSystemDefaultTrustCerts();
      }
      TlsIdentity identity = new TlsIdentity(settings, trust, read, clock);
      identity.use(read);
      long nanos = settings.reloadInterval().toNanos();
      var unused =
          identity.reloads.scheduleWithFixedDelay(
              identity::reload, nanos, nanos, TimeUnit.NANOSECONDS);
      return identity;
    } catch (IOException | GeneralSecurityException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "ballast.tls: not usable: " + e.getMessage(), e);
    }
  }

  /** What encrypts the connections of callers, and asks them for certificates if it is to. */
  public SslContext forCallers() {
    SslContextBuilder builder =
        SslContextBuilder.forServer(keys)
            .trustManager(new OwnFirst(this::isOwnNow, trust))
            .clientAuth(
                switch (settings.clients()) {
                  case NONE -> ClientAuth.NONE;
                  case OPTIONAL -> ClientAuth.OPTIONAL;
                  case REQUIRE -> ClientAuth.REQUIRE;
                })
            // a resumed session is not checked again: it may not outlive a change of authorities
            .sessionTimeout(Math.max(1, settings.reloadInterval().toSeconds()));
    return built(GrpcSslContexts.configure(builder));
  }

  /**
   * What encrypts connections to peers, who must prove the host name that they are called by, or
   * prove themselves with the very certificate that this process has: this process itself does.
   */
  public SslContext forPeers() {
    return built(
        GrpcSslContexts.forClient()
            .keyManager(keys)
            .trustManager(new OwnFirst(this::isOwnNow, trust)));
  }

  /**
   * Whether {@code leaf} is the certificate that this process proves itself with, or was at a time:
   * a connection that was made then goes on. For a reload interval after it was replaced it still
   * is, since other processes with these files may not have read the new ones yet.
   */
  public boolean isOwn(X509Certificate leaf, Instant time) {
    return leaf.equals(certificate())
        || former.stream().anyMatch(had -> had.leaf.equals(leaf) && time.isBefore(had.end));
  }

  private boolean isOwnNow(X509Certificate leaf) {
    return isOwn(leaf, clock.instant());
  }

  /** The certificate that this process proves itself with now. */
  public X509Certificate certificate() {
    return current.chain.getFirst();
  }

  /** When it ends to be good. */
  public Instant expires() {
    return certificate().getNotAfter().toInstant();
  }

  /** Whether callers may, or have to, show a certificate. */
  public boolean asksCallers() {
    return settings.clients() != ClientCertificates.NONE;
  }

  /** Reads the files now; what cannot be used changes nothing. */
  public void reload() {
    try {
      Read read = read(settings);
      if (!read.equals(current)) {
        use(read);
        LOG.info("new certificates are used from now on; they are good until {}", expires());
      }
    } catch (IOException
        | GeneralSecurityException
        | RuntimeException e) { // or it was the last time
      LOG.warn("the certificates of before stay: {}", e.getMessage());
    }
  }

  @Override
  public void close() {
    reloads.shutdownNow();
  }

  private void use(Read read) throws IOException, GeneralSecurityException {
    if (settings.trust().isPresent()) {
      trust.updateTrustCredentials(read.trusted.toArray(X509Certificate[]::new));
    }
    keys.updateIdentityCredentials(read.chain.toArray(X509Certificate[]::new), read.key);
    Instant now = clock.instant();
    X509Certificate before = certificate();
    if (!before.equals(read.chain.getFirst())) {
      former =
          Stream.concat(
                  former.stream().filter(had -> had.leaf.getNotAfter().toInstant().isAfter(now)),
                  Stream.of(new Former(before, now.plus(settings.reloadInterval()))))
              .toList();
    }
    current = read;
  }

  private static Read read(TlsSettings settings) {
    List<X509Certificate> chain =
        TlsFiles.certificates("ballast.tls.certificate", settings.certificate());
    return new Read(
        chain,
        TlsFiles.key("ballast.tls.key", settings.key(), chain.getFirst()),
        settings
            .trust()
            .map(file -> TlsFiles.certificates("ballast.tls.trust", file))
            .orElseGet(List::of));
  }

  private static SslContext built(SslContextBuilder builder) {
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "ballast.tls: not usable: " + e.getMessage(), e);
    }
  }
}
