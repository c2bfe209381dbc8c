package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoneStepTest {
  private final LoneStep lone = new LoneStep();

  @Test
  void nothingIsLongerThanWhatNobodyKnows() {
    lone.begins(true);

    assertThat(lone.beyond(Long.MAX_VALUE)).isZero();
  }

  @Test
  void aQuickerStepOfManyLowersItAndASlowerOneSaysNothing() {
    shared(1_000);
    shared(200); // half of the way to 200
    shared(9_000);

    assertThat(lone.beyond(700)).isEqualTo(100);
    assertThat(lone.beyond(600)).isZero();
    assertThat(lone.beyond(1)).isZero();
  }

  @Test
  void onlyAStepOfOneRowRaisesItAndSlowly() {
    alone(1_000);
    alone(33_000); // a 32nd of the way
    lone.begins(true);
    assertThat(lone.beyond(3_000)).isEqualTo(1_000);

    for (int i = 0; i < 320; i++) {
      alone(33_000);
    }
    lone.begins(true);
    assertThat(lone.beyond(34_000)).isBetween(1_000L, 1_010L);
  }

  @Test
  void whoIsAloneIsHeldUpByNobodyHoweverLongItTakes() {
    alone(1_000);

    assertThat(lone.beyond(50_000)).isZero();
  }

  private void shared(long time) {
    lone.begins(true);
    lone.took(time);
  }

  private void alone(long time) {
    lone.begins(false);
    lone.took(time);
  }
}
