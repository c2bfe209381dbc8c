package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoneStepTest {
  private final LoneStep lone = new LoneStep();

  @Test
  void nothingIsLongerThanWhatNobodyKnows() {
    assertThat(lone.beyond(Long.MAX_VALUE)).isZero();
  }

  @Test
  void aQuickerStepOfManyLowersItAndASlowerOneSaysNothing() {
    lone.took(50, 1_000);
    lone.took(10, 200); // half of the way to 200
    lone.took(60, 9_000);

    assertThat(lone.beyond(700)).isEqualTo(100);
    assertThat(lone.beyond(600)).isZero();
    assertThat(lone.beyond(1)).isZero();
  }

  @Test
  void onlyAStepOfOneRowRaisesItAndSlowly() {
    lone.took(1, 1_000);
    lone.took(1, 33_000); // a 32nd of the way
    assertThat(lone.beyond(3_000)).isEqualTo(1_000);

    for (int i = 0; i < 320; i++) {
      lone.took(1, 33_000);
    }
    assertThat(lone.beyond(34_000)).isBetween(1_000L, 1_010L);
  }
}
