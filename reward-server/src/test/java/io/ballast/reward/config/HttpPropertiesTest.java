package io.ballast.reward.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.testing.TestReward;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every property of the routes has a default, reaches its field, and is refused by name. */
class HttpPropertiesTest {
  private static HttpConfig config(Map<String, String> values) {
    return HttpConfig.from(TestReward.properties(values).http());
  }

  @Test
  void defaults() {
    assertThat(config(Map.of()))
        .isEqualTo(new HttpConfig(true, Duration.ofSeconds(60), 8_388_608, 67_108_864));
  }

  @Test
  void everyPropertyReachesItsField() {
    assertThat(
            config(
                Map.of(
                    "ballast.reward.http.enabled", "false",
                    "ballast.reward.http.timeout", "PT3S",
                    "ballast.reward.http.max-body-bytes", "7",
                    "ballast.reward.http.max-held-bytes", "9")))
        .isEqualTo(new HttpConfig(false, Duration.ofSeconds(3), 7, 9));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "timeout        | PT0S     | ballast.reward.http.timeout: PT0S (expected: > 0)",
        "max-body-bytes | 0        | ballast.reward.http.max-body-bytes: 0 (expected: 1 to 10,485,760)",
        "max-held-bytes | 8388607  | ballast.reward.http.max-held-bytes: 8388607 (expected: at least max-body-bytes, 8,388,608)",
        "max-body-bytes | 10485761 | ballast.reward.http.max-body-bytes: 10485761 (expected: 1 to 10,485,760)",
      })
  void whatIsOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> config(Map.of("ballast.reward.http." + property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void aConnectionThatWaitsForItsAnswerMayBeIdle() {
    HttpConfig minute = config(Map.of("ballast.reward.http.timeout", "PT1M"));

    assertThat(minute.within(Duration.ofMillis(60_001))).isEqualTo(minute);
    assertThat(minute.within(Duration.ZERO)).as("it is never closed").isEqualTo(minute);
    assertThatThrownBy(() -> minute.within(Duration.ofMinutes(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "ballast.reward.http.timeout: PT1M (expected: below quarkus.http.idle-timeout, PT1M)");
    HttpConfig off =
        config(
            Map.of("ballast.reward.http.timeout", "PT5M", "ballast.reward.http.enabled", "false"));
    assertThat(off.within(Duration.ofMinutes(2))).as("nothing is asked").isEqualTo(off);
  }
}
