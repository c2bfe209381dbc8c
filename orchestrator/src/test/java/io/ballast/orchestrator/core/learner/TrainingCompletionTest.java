package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import org.junit.jupiter.api.Test;

/** What a completion is to an objective. */
class TrainingCompletionTest {
  private static final Numbers NONE = Numbers.of();

  @Test
  void itsRoleIsThatOfTheObjective() {
    assertThat(role(ObjectiveKind.PPO_CLIP, true)).isEqualTo(SampleRole.ROLLOUT);
    assertThat(role(ObjectiveKind.CROSS_ENTROPY, false)).isEqualTo(SampleRole.DEMONSTRATION);
    assertThat(role(ObjectiveKind.DPO, true)).isEqualTo(SampleRole.CHOSEN);
    assertThat(role(ObjectiveKind.ORPO, false)).isEqualTo(SampleRole.REJECTED);
    assertThat(role(ObjectiveKind.KTO, true)).isEqualTo(SampleRole.DESIRABLE);
    assertThat(role(ObjectiveKind.KTO, false)).isEqualTo(SampleRole.UNDESIRABLE);
    assertThat(completion(false, true, NONE, NONE).sample(ObjectiveKind.XPO).role())
        .isEqualTo(SampleRole.CALIBRATION);
  }

  @Test
  void whatItBringsIsRead() {
    Sample sample =
        completion(false, false, Numbers.of(-1, -2), Numbers.of(0, 1))
            .sample(ObjectiveKind.POLICY_GRADIENT);
    assertThat(sample.numbers(PerTokenName.SERVED_LOG_PROB)).isEqualTo(Numbers.of(-1, -2));
    assertThat(sample.maskedTokens()).isEqualTo(1);
    Sample bare = completion(false, false, NONE, NONE).sample(ObjectiveKind.POLICY_GRADIENT);
    assertThat(bare.perToken().has(PerTokenName.SERVED_LOG_PROB)).isFalse();
    assertThat(bare.maskedTokens()).isEqualTo(2);
  }

  @Test
  void itIsMaskedWhereNoTokenCounts() {
    assertThat(completion(false, false, NONE, Numbers.of(0, 0)).masked()).isTrue();
    assertThat(completion(false, false, NONE, Numbers.of(0, 0.5)).masked()).isFalse();
    assertThat(completion(false, false, NONE, NONE).masked()).isFalse();
  }

  private static SampleRole role(ObjectiveKind kind, boolean preferred) {
    return completion(preferred, false, NONE, NONE).sample(kind).role();
  }

  private static TrainingCompletion completion(
      boolean preferred, boolean fromReference, Numbers served, Numbers mask) {
    return new TrainingCompletion(
        TokenIds.of(1, 2),
        NONE,
        NONE,
        NONE,
        NONE,
        NONE,
        preferred,
        NONE,
        served,
        mask,
        fromReference);
  }
}
