package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How servers are asked, by default and otherwise. */
class KServeSettingsTest {
  private static final KServeSettings DEFAULTS = KServeSettings.defaults();

  @Test
  void defaults() {
    assertThat(DEFAULTS)
        .isEqualTo(
            new KServeSettings(
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                256 << 20,
                1,
                16,
                true,
                Duration.ofSeconds(1),
                false,
                KServeSecurity.none()));
  }

  @Test
  void eachChangeReachesItsOwnField() {
    Duration other = Duration.ofMillis(7);
    KServeSecurity security = KServeSecurity.tls();

    assertThat(
            DEFAULTS
                .withControlDeadline(other)
                .withLoadDeadline(other.plusMillis(1))
                .withConnections(3)
                .withAnswersAhead(4)
                .withReadyInterval(other.plusMillis(2))
                .withDrainStreams(true)
                .withSecurity(security))
        .isEqualTo(
            new KServeSettings(
                Duration.ofSeconds(30),
                other,
                other.plusMillis(1),
                256 << 20,
                3,
                4,
                true,
                other.plusMillis(2),
                true,
                security));
  }

  @Test
  void whatIsOutsideItsRangeIsNamed() {
    assertThatThrownBy(() -> DEFAULTS.withControlDeadline(Duration.ZERO))
        .hasMessage("control_deadline: PT0S (expected: > 0)");
    assertThatThrownBy(() -> DEFAULTS.withConnections(65))
        .hasMessage("connections: 65 (expected: 1 to 64)");
    assertThatThrownBy(() -> DEFAULTS.withAnswersAhead(0))
        .hasMessage("answers_ahead: 0 (expected: ≥ 1)");
  }
}
