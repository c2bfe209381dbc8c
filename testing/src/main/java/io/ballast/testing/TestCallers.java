package io.ballast.testing;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.IdentitySettings;
import io.ballast.kit.security.JwtSettings;
import io.ballast.kit.security.RateLimits;
import io.ballast.kit.security.Right;
import io.grpc.BindableService;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Callers whom a server knows by their tokens. Each role has the name of its right. */
public final class TestCallers implements AutoCloseable {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  /** When what callers show has expired. */
  public static final Instant EXPIRES = NOW.plusSeconds(60);

  private static final int FAILURES = 20;

  private final TestIssuer issuer = new TestIssuer("k1");
  private final Identities identities;

  /**
   * @param folder where the public keys of their identity provider are written
   */
  public TestCallers(Path folder) {
    this(folder, () -> NOW);
  }

  /**
   * @param folder where the public keys of their identity provider are written
   * @param clock by which their tokens expire, at {@link #EXPIRES}
   */
  public TestCallers(Path folder, InstantSource clock) {
    JwtSettings jwt =
        new JwtSettings(
            TestIssuer.ISSUER,
            TestIssuer.AUDIENCE,
            issuer.write(folder.resolve("keys.json")).toString(),
            Duration.ofDays(1),
            Duration.ZERO,
            "sub",
            "tenant",
            "roles",
            Arrays.stream(Right.values()).collect(Collectors.toMap(Right::label, right -> right)),
            FAILURES);
    identities =
        Identities.of(
            new IdentitySettings(Optional.empty(), Map.of(), Optional.of(jwt), "secret"),
            Optional.empty(),
            clock);
  }

  /** The door of a server that asks who they are, and lets them call as often as they like. */
  public EdgeSecurity door() {
    return door(RateLimits.none());
  }

  /** The door of a server that asks who they are. */
  public EdgeSecurity door(RateLimits rates) {
    return new EdgeSecurity(identities, rates, ConnectionLimits.usual(), Optional.empty());
  }

  /** Starts a server of these services behind {@link #door()}. */
  public MeshServer serve(List<BindableService> services, MeterRegistry meters) {
    return MeshServer.start(
        MeshServer.Options.loopback(0),
        door(),
        Optional.empty(),
        services,
        meters,
        OpenTelemetry.noop(),
        System::nanoTime);
  }

  /**
   * What {@code name} shows, without {@code Bearer}.
   *
   * @param tenant that the caller is bound to; {@code *}: to none
   */
  public String token(String name, String tenant, String... roles) {
    return issuer.sign(TestIssuer.claims(name, tenant, EXPIRES, roles).build());
  }

  /** Has every call show {@link #token}. */
  public ClientInterceptor as(String name, String tenant, String... roles) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
        "Bearer " + token(name, tenant, roles));
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  @Override
  public void close() {
    identities.close();
  }
}
