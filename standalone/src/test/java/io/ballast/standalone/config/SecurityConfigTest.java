package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.security.CertificateHolder;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.JwtSettings;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.TlsSettings;
import io.ballast.kit.security.TlsSettings.ClientCertificates;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may call, and how connections are secured: defaults, names and ranges. */
class SecurityConfigTest {
  private static final Map<String, String> WITH_TLS =
      Map.of("tls.certificate", "cert.pem", "tls.key", "key.pem");
  private static final Map<String, String> WITH_JWT =
      Map.of(
          "security.jwt.issuer", "https://issuer.example",
          "security.jwt.audience", "ballast",
          "security.jwt.keys", "keys.json");

  private static MeshConfig with(Map<String, String> given, String name, String value) {
    Map<String, String> values = new HashMap<>(given);
    values.put(name, value);
    return GivenProperties.config(values);
  }

  @Test
  void defaults() {
    MeshConfig config = GivenProperties.config(Map.of());

    assertThat(config.security())
        .isEqualTo(
            new SecurityConfig(
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                Map.of(),
                Map.of(),
                ConnectionLimits.usual(),
                false,
                false));
    assertThat(config.asksNobody()).isTrue();
    assertThat(GivenProperties.config(WITH_TLS).security().tls())
        .contains(
            new TlsSettings(
                Path.of("cert.pem"),
                Path.of("key.pem"),
                Optional.empty(),
                ClientCertificates.NONE,
                Duration.ofMinutes(1)));
    assertThat(GivenProperties.config(WITH_JWT).security().jwt())
        .contains(
            new JwtSettings(
                "https://issuer.example",
                "ballast",
                "keys.json",
                Duration.ofMinutes(10),
                Duration.ofSeconds(30),
                "sub",
                "tenant",
                "roles",
                Map.of(
                    "application", Right.APPLICATION,
                    "trainer", Right.TRAINER,
                    "operator", Right.OPERATOR,
                    "auditor", Right.AUDITOR,
                    "peer", Right.PEER),
                20));
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> values = new HashMap<>(WITH_TLS);
    values.putAll(WITH_JWT);
    values.putAll(
        Map.of(
            "tls.trust", "ca.pem",
            "tls.client-auth", "require",
            "tls.reload-interval", "PT5S",
            "security.certificates.\"spiffe://mesh/app\".tenant", "a",
            "security.certificates.\"spiffe://mesh/app\".rights", "application,trainer",
            "security.certificates.policy-server.tenant", "*",
            "security.certificates.policy-server.rights", "peer",
            "security.calls-per-second.application", "50",
            "security.open", "true",
            "security.plain-http", "true"));
    values.put("security.tenants.\"shop.eu\".calls-per-second.application", "200");
    values.putAll(
        Map.of(
            "connections.max-open", "500",
            "connections.max-watches", "600",
            "connections.max-header-size", "8K",
            "connections.max-calls", "7",
            "connections.max-resets", "9",
            "connections.handshake", "PT3S",
            "connections.max-age", "PT1H",
            "connections.max-age-grace", "PT4M"));
    values.putAll(
        Map.of(
            "security.jwt.refresh", "PT1H",
            "security.jwt.leeway", "PT1S",
            "security.jwt.name-claim", "email",
            "security.jwt.tenant-claim", "org",
            "security.jwt.rights-claim", "realm_access.roles",
            "security.jwt.rights.mesh-admins", "operator",
            "security.jwt.failures-per-second", "7"));

    assertThat(GivenProperties.config(values).security())
        .isEqualTo(
            new SecurityConfig(
                Optional.of(
                    new TlsSettings(
                        Path.of("cert.pem"),
                        Path.of("key.pem"),
                        Optional.of(Path.of("ca.pem")),
                        ClientCertificates.REQUIRE,
                        Duration.ofSeconds(5))),
                Map.of(
                    "spiffe://mesh/app",
                    new CertificateHolder(
                        Optional.of("a"), Set.of(Right.APPLICATION, Right.TRAINER)),
                    "policy-server",
                    new CertificateHolder(Optional.empty(), Set.of(Right.PEER))),
                Optional.of(
                    new JwtSettings(
                        "https://issuer.example",
                        "ballast",
                        "keys.json",
                        Duration.ofHours(1),
                        Duration.ofSeconds(1),
                        "email",
                        "org",
                        "realm_access.roles",
                        Map.of("mesh-admins", Right.OPERATOR),
                        7)),
                Map.of(Right.APPLICATION, 50),
                Map.of("shop.eu", Map.of(Right.APPLICATION, 200)),
                new ConnectionLimits(
                    500,
                    600,
                    8 << 10,
                    7,
                    9,
                    Duration.ofSeconds(3),
                    Optional.of(Duration.ofHours(1)),
                    Duration.ofMinutes(4)),
                true,
                true));
  }

  @ParameterizedTest
  @CsvSource({
    "tls.reload-interval, PT0S, above 0",
    "tls.client-auth, OPTIONAL, ballast.tls.trust",
    "connections.max-header-size, 1023, ≥ 1K",
    "connections.max-open, 0, ≥ 1",
    "connections.max-watches, 0, ≥ 1",
    "connections.max-calls, 0, ≥ 1",
    "connections.max-resets, 0, ≥ 1",
    "connections.handshake, PT0S, above 0",
    "connections.max-age, PT0S, above 0",
    "connections.max-age-grace, PT0S, above 0",
    "security.jwt.refresh, PT0S, above 0",
    "security.jwt.leeway, PT6M, PT0S to PT5M",
    "security.jwt.failures-per-second, 0, ≥ 1",
    "security.jwt.rights.x, king, 'application, trainer, operator, auditor, peer'",
    "security.calls-per-second.king, 1, 'application, trainer'",
    "security.tenants.shop.calls-per-second.king, 1, 'application, trainer'",
    "security.tenants.\"a b\".calls-per-second.trainer, 1, at most 64 characters",
  })
  void whatIsOutOfItsRangeIsNamed(String name, String value, String expected) {
    Map<String, String> values = new HashMap<>(WITH_TLS);
    values.putAll(WITH_JWT);

    assertThatThrownBy(() -> with(values, name, value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void whatBelongsTogetherIsGivenTogether() {
    assertThatThrownBy(() -> with(Map.of(), "tls.key", "key.pem"))
        .hasMessage("ballast.tls.certificate: absent (expected: with ballast.tls.key)");
    assertThatThrownBy(() -> with(Map.of(), "security.jwt.issuer", "https://issuer.example"))
        .hasMessageStartingWith("ballast.security.jwt.audience: absent");
  }

  @Test
  void anyProofAsksCallersWhoTheyAre() {
    assertThat(with(Map.of(), "token", "s3cret").asksNobody()).isFalse();
    assertThat(GivenProperties.config(WITH_JWT).asksNobody()).isFalse();
    assertThat(GivenProperties.config(WITH_TLS).asksNobody())
        .as("a server that proves itself asks nobody yet")
        .isTrue();
    Map<String, String> mutual = new HashMap<>(WITH_TLS);
    mutual.put("tls.trust", "ca.pem");
    assertThat(with(mutual, "tls.client-auth", "OPTIONAL").asksNobody()).isFalse();
  }
}
