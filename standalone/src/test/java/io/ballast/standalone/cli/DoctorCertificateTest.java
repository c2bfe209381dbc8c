package io.ballast.standalone.cli;

import static io.ballast.standalone.cli.DoctorFindings.assertFound;
import static io.ballast.standalone.cli.DoctorFindings.findings;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.testing.TestAuthority;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * doctor mesh says when the certificates of a mesh end, and of one that has that it is to renew.
 */
class DoctorCertificateTest {
  @TempDir private Path folder;
  private final FakeHttp http = new FakeHttp();

  @AfterEach
  void stop() {
    http.close();
  }

  @ParameterizedTest
  @CsvSource({
    "P90D, GOOD",
    "P14DT1H, GOOD",
    "P13DT23H, WEAK",
    "P2DT1H, WEAK",
    "P1DT23H, BROKEN",
    "PT1H, BROKEN"
  })
  void whenACertificateEndsIsSaidAndWhetherItIsToRenew(Duration left, String health) {
    Instant end = fromNow(left);
    try (FakeMesh encrypted = encryptedUntil(end)) {
      Cli.Result result = runEncrypted(encrypted, "--http-port", "" + http.port());

      assertThat(result.exit()).as(result.out()).isEqualTo(health.equals("BROKEN") ? 1 : 0);
      assertFound(result, "policy-server", "GOOD", "serves at");
      assertFound(result, "certificate", health, "mesh: CN=mesh.test, until " + end);
      assertThat(findings(result, "certificate")).hasSize(1);
    }
  }

  @Test
  void ofACertificateThatHasExpiredThatIsSaidThoughNobodyIsAnswered() {
    Instant end = fromNow(Duration.ofHours(-1));
    try (FakeMesh encrypted = encryptedUntil(end)) {
      String address = encrypted.address();
      List<Cli.Result> results =
          List.of(
              runEncrypted(encrypted, "--http-port", "" + http.port()),
              runEncrypted(encrypted, "--server", "policy-server=" + address + ":" + http.port()));
      for (Cli.Result result : results) {
        assertThat(result.exit()).as(result.out()).isEqualTo(1);
        assertFound(result, "policy-server", "BROKEN", "does not answer at " + address);
        assertFound(result, "certificate", "BROKEN", "CN=mesh.test, until " + end);
        assertThat(findings(result, "certificate").getFirst().path("mend").asText())
            .startsWith("renew it");
      }
    }
  }

  private static Instant fromNow(Duration left) {
    return InstantSource.system().instant().plus(left).truncatedTo(ChronoUnit.SECONDS);
  }

  private Path authorities() {
    return folder.resolve("authorities.pem");
  }

  /** A mesh whose certificate ends then; {@link #authorities} vouch for it. */
  private FakeMesh encryptedUntil(Instant end) {
    TestAuthority authority = new TestAuthority("authority");
    authority.write(authorities());
    Path certificate = folder.resolve("certificate.pem");
    Path key = folder.resolve("key.pem");
    authority.issueUntil(end, "mesh.test", "ip:127.0.0.1").write(certificate, key);
    return FakeMesh.encrypted(certificate, key);
  }

  private Cli.Result runEncrypted(FakeMesh encrypted, String option, String place) {
    return Cli.run(
        encrypted,
        "doctor",
        "mesh",
        "--json",
        "--no-parity",
        "--tls-ca",
        authorities().toString(),
        option,
        place);
  }
}
