package io.ballast.loadtest.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Calls show what the environment says, and say it to nobody else. */
class CredentialsTest {
  @Test
  void anEmptyEnvironmentShowsNothing() {
    assertThat(Credentials.of(Map.of())).isEqualTo(Credentials.NONE);
  }

  @Test
  void theTokenIsNeverPrinted() {
    Credentials credentials = Credentials.of(Map.of("BALLAST_TOKEN", "open-sesame"));
    assertThat(credentials.token()).isEqualTo("open-sesame");
    assertThat(credentials).hasToString("a token, no TLS");
  }

  @Test
  void theAuthoritiesOfThisJavaEncrypt() {
    Credentials credentials = Credentials.of(Map.of("BALLAST_TLS_CA", "system"));
    assertThat(credentials.tls()).isPresent();
    assertThat(credentials).hasToString("no token, TLS");
  }

  @Test
  void whatCannotBeUsedIsNamed() {
    assertThatThrownBy(() -> Credentials.of(Map.of("BALLAST_CLIENT_KEY", "key.pem")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("BALLAST_CLIENT_CERTIFICATE and BALLAST_CLIENT_KEY belong together");
    assertThatThrownBy(() -> Credentials.of(Map.of("BALLAST_TLS_CA", "/no/such/file")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BALLAST_TLS_CA");
  }
}
