package io.ballast.safety.core.gatefit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is promised is never rounded up. */
class GateFiguresTest {
  @Test
  void sharesArePrintedWithAllTheirDigits() {
    assertThat(GateFigures.percent(0.975)).isEqualTo("97.5 %");
    assertThat(GateFigures.percent(0.9)).isEqualTo("90 %");
    assertThat(GateFigures.percent(0.9999)).isEqualTo("99.99 %");
    assertThat(GateFigures.confidence(0.004)).isEqualTo("99.6 %");
    assertThat(GateFigures.confidence(0.1)).isEqualTo("90 %");
    assertThat(GateFigures.confidence(0.9)).isEqualTo("10 %");
  }
}
