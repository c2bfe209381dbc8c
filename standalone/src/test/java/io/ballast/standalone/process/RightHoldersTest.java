package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.Right;
import io.ballast.standalone.config.GivenProperties;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import org.junit.jupiter.api.Test;

/** The trail says who may be what, by names and without a secret. */
class RightHoldersTest {
  @Test
  void aMeshThatAsksNobodyLetsAnybodyBeAll() {
    assertThat(RightHolders.of(GivenProperties.config(Map.of())))
        .hasSize(Right.values().length)
        .contains("operator: anybody", "peer: anybody");
  }

  @Test
  void namesOfTokensCertificatesAndRolesAreToldAndTheTokenIsNot() {
    Map<String, String> properties =
        new HashMap<>(
            Map.of(
                "token", "hush-hush",
                "tls.certificate", "cert.pem",
                "tls.key", "key.pem",
                "tls.trust", "ca.pem",
                "tls.client-auth", "OPTIONAL",
                "security.jwt.issuer", "https://issuer.example",
                "security.jwt.audience", "ballast",
                "security.jwt.keys", "keys.json"));
    properties.put("security.certificates.\"spiffe://mesh/web\".tenant", "shop");
    properties.put("security.certificates.\"spiffe://mesh/web\".rights", "application,trainer");
    properties.put("security.jwt.rights.\"ml-ops\"", "operator");

    assertThat(RightHolders.of(GivenProperties.config(properties)))
        .contains(
            "application: certificate \"spiffe://mesh/web\", of tenant shop",
            "trainer: certificate \"spiffe://mesh/web\", of tenant shop",
            "operator: JWT of \"https://issuer.example\" with \"ml-ops\" in \"roles\"",
            "operator: whoever shows the mesh's token (mark 5e14), of any tenant")
        .hasSize(2 + 1 + Right.values().length)
        .noneMatch(line -> line.contains("hush"));
  }

  @Test
  void aReplacedTokenIsSeenInTheLineOfEachRight() {
    SortedSet<String> before = holders("hush-hush");

    assertThat(holders("hush-hush")).isEqualTo(before);
    assertThat(holders("hush-hush-2"))
        .hasSize(Right.values().length)
        .contains("operator: whoever shows the mesh's token (mark 1869), of any tenant")
        .doesNotContainAnyElementsOf(before);
  }

  private static SortedSet<String> holders(String token) {
    return RightHolders.of(GivenProperties.config(Map.of("token", token)));
  }
}
