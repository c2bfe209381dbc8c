package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Right;
import io.ballast.standalone.config.GivenProperties;
import io.ballast.testing.MonitoredMetrics;
import io.ballast.testing.TestAuthority;
import io.ballast.testing.TestIssuer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which processes do not start, for who could call them, and what they show each other. */
class ProcessSecurityTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path folder;
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private ProcessSecurity open(Map<String, String> properties) {
    return ProcessSecurity.open(GivenProperties.config(properties), meters, () -> NOW);
  }

  private Map<String, String> jwt() {
    return Map.of(
        "security.jwt.issuer", TestIssuer.ISSUER,
        "security.jwt.audience", TestIssuer.AUDIENCE,
        "security.jwt.keys", new TestIssuer("k1").write(folder.resolve("keys.json")).toString());
  }

  @Test
  void aHostThatOthersReachIsRefusedWhereNobodyIsAsked() {
    assertThatThrownBy(() -> open(Map.of("host", "0.0.0.0")))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage(
            "ballast.host: 0.0.0.0: whoever reaches it could call this mesh; set ballast.token,"
                + " ballast.security.jwt.* or ballast.tls.client-auth, or, where the network keeps"
                + " strangers out, ballast.security.open=true");
    try (ProcessSecurity told = open(Map.of("host", "0.0.0.0", "security.open", "true"))) {
      assertThat(told.edge().identities().isOpen()).isTrue();
    }
    try (ProcessSecurity guarded = open(Map.of("host", "0.0.0.0", "token", "s3cret"))) {
      assertThat(guarded.edge().identities().isOpen()).isFalse();
    }
    try (ProcessSecurity laptop = open(Map.of())) {
      assertThat(laptop.edge().identities().isOpen()).isTrue();
      assertThat(laptop.token(true)).isEmpty();
    }
  }

  @Test
  void theProcessIsAPeerToItselfAndShowsOthersTheMeshsToken() {
    try (ProcessSecurity guarded = open(Map.of("token", "s3cret"))) {
      Principal itself =
          guarded.edge().identities().know("Bearer " + guarded.token(true).orElseThrow());

      assertThat(itself.rights()).containsExactly(Right.PEER);
      assertThat(guarded.token(false)).contains("s3cret");
      try (ProcessSecurity another = open(Map.of("token", "s3cret"))) {
        assertThatThrownBy(
                () ->
                    another.edge().identities().know("Bearer " + guarded.token(true).orElseThrow()))
            .hasMessageContaining("absent or wrong");
      }
    }
  }

  @Test
  void aTenantsOwnLimitCountsItsCallsAndOneOutOfRangeIsNamedAtTheStart() {
    String own = "security.tenants.\"shop.eu\".calls-per-second.application";
    Principal shop =
        new Principal(
            "web", Optional.of("shop.eu"), Set.of(Right.APPLICATION), Principal.Proof.JWT);
    try (ProcessSecurity limited =
        open(Map.of("security.calls-per-second.application", "1", own, "7"))) {
      // of so many at once some are too many, wherever the second turns
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 10_000; i++) {
                  limited.edge().rates().count(shop, Right.APPLICATION);
                }
              })
          .hasMessage(
              "tenant shop.eu: more than 7 calls a second as application, the limit; slow down");
    }

    assertThatThrownBy(() -> open(Map.of(own, "0")))
        .hasMessage("ballast." + own + ": 0 (expected: ≥ 1)");
  }

  @Test
  void serversThatHaveNothingToShowEachOtherAreRefused() {
    Map<String, String> split = new HashMap<>(jwt());
    split.put("peers.reward", "reward-server:9100");

    assertThatThrownBy(() -> open(split))
        .hasMessageStartingWith(
            "ballast.security.jwt: the servers of this mesh have nothing to show each other");
    split.put("token", "s3cret");
    open(split).close();
    open(jwt()).close();
  }

  @Test
  void aCertificatesEndIsMeasured() {
    TestAuthority authority = new TestAuthority("authority");
    authority.issue("mesh").write(folder.resolve("c.pem"), folder.resolve("k.pem"));
    try (ProcessSecurity secured =
        open(
            Map.of(
                "tls.certificate", folder.resolve("c.pem").toString(),
                "tls.key", folder.resolve("k.pem").toString()))) {
      assertThat(secured.tls()).isPresent();
      assertThat(meters.get("ballast.tls.certificate.expiry").gauge().value())
          .isEqualTo(Duration.between(NOW, TestAuthority.UNTIL).toSeconds());
      assertThat(MonitoredMetrics.named(MonitoredMetrics::isOfTls))
          .as("what alerts read")
          .containsExactly("ballast_tls_certificate_expiry_seconds");
    }
  }
}
