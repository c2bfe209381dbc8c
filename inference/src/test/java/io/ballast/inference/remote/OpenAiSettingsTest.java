package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Where a server is, checked before it is asked. */
class OpenAiSettingsTest {
  private static OpenAiSettings at(String base) {
    return new OpenAiSettings(
        URI.create(base), "m", Optional.of("secret"), 64, Duration.ofSeconds(1));
  }

  @Test
  void whatTheProtocolAddsFollowsThePathOfTheBase() {
    for (String base : new String[] {"http://host:8000/prefix", "http://host:8000/prefix//"}) {
      assertThat(at(base).at("v1/completions"))
          .isEqualTo(URI.create("http://host:8000/prefix/v1/completions"));
    }
    assertThat(at("https://host").at("props")).isEqualTo(URI.create("https://host/props"));
    assertThat(at("http://[::1]:80/").at("props")).isEqualTo(URI.create("http://[::1]:80/props"));
  }

  @Test
  void aBaseThatCannotBeOneIsRefused() {
    for (String base : new String[] {"ftp://host", "host:8000", "http:///x", "http://h/?a=b"}) {
      assertThatThrownBy(() -> at(base))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("base: " + base + " (expected: http://host:port or https)");
    }
    assertThatThrownBy(() -> at("http://host/v1/"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("base: http://host/v1/ (expected: what stands before /v1)");
  }

  @Test
  void theTokenIsNotWrittenAnywhere() {
    assertThat(at("http://host").toString()).doesNotContain("secret").contains("given");
  }

  @Test
  void aTokenThatNoHeaderTakesIsRefusedWithoutBeingShown() {
    for (String token : new String[] {"secret\nother", "sec ret", "", "secrét"}) {
      assertThatThrownBy(
              () ->
                  new OpenAiSettings(
                      URI.create("http://host"),
                      "m",
                      Optional.of(token),
                      64,
                      Duration.ofSeconds(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("bearer_token: not shown (expected: visible ASCII characters)");
    }
  }
}
