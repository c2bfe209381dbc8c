package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is seen of the policy that sampled, of a batch that can be followed by hand. */
class WatchedTest {
  /** The learner's numbers are ¼ below and ½ above the server's. */
  private static final Sample FIRST =
      Sample.rollout(TokenIds.of(4, 5))
          .with(PerTokenName.BEHAVIOUR_LOG_PROB, -1.25, -2)
          .with(PerTokenName.SERVED_LOG_PROB, -1, -2.5)
          .with(PerTokenName.ENTROPY, 0.5, 1);

  /** 1 above. */
  private static final Sample SECOND =
      Sample.rollout(TokenIds.of(6))
          .with(PerTokenName.BEHAVIOUR_LOG_PROB, -3)
          .with(PerTokenName.SERVED_LOG_PROB, -4)
          .with(PerTokenName.ENTROPY, 3);

  private static Batch batch(Sample... samples) {
    return Batch.of(new Group("0", List.of(samples)));
  }

  @Test
  void theGapToTheServerIsTheMeanAndTheLargestDifferenceOfAToken() {
    Watched watched = Watched.of(batch(FIRST, SECOND));

    // (¼ + ½ + 1)/3: signs do not cancel, and each token weighs the same
    assertThat(watched.trainServeGapNats()).isCloseTo(1.75 / 3, within(1e-12));
    assertThat(watched.maxTrainServeGapNats()).isCloseTo(1, within(1e-12));
    assertThat(watched.entropyNats()).isCloseTo((0.5 + 1 + 3) / 3, within(1e-12));
  }

  @Test
  void whereBothSayTheSameThereIsNoGap() {
    Watched watched = Watched.of(batch(FIRST.with(PerTokenName.SERVED_LOG_PROB, -1.25, -2)));

    assertThat(watched.trainServeGapNats()).isZero();
    assertThat(watched.maxTrainServeGapNats()).isZero();
  }

  @Test
  void ofDataWhichNoServerSampledThereIsNone() {
    Watched watched =
        Watched.of(
            batch(FIRST.without(PerTokenName.SERVED_LOG_PROB).with(SampleRole.CHOSEN), SECOND));

    assertThat(watched.maxTrainServeGapNats()).as("the other's").isCloseTo(1, within(1e-12));
    assertThat(
            Watched.of(
                    batch(
                        FIRST.without(PerTokenName.SERVED_LOG_PROB).with(SampleRole.CHOSEN),
                        SECOND.without(PerTokenName.SERVED_LOG_PROB).with(SampleRole.REJECTED)))
                .trainServeGapNats())
        .isZero();
  }

  @Test
  void whatTheLossDoesNotReadIsSeenAndWhatThePolicyDidNotWriteIsNot() {
    Sample masked = FIRST.with(PerTokenName.LOSS_MASK, 0, 0);
    Sample far = SECOND.with(PerTokenName.SERVED_LOG_PROB, -100);

    assertThat(
            Watched.of(
                batch(
                    masked,
                    SECOND,
                    far.with(SampleRole.BASELINE),
                    far.with(SampleRole.REFERENCE_ROLLOUT))))
        .isEqualTo(Watched.of(batch(FIRST, SECOND)));
  }

  @Test
  void theKlIsTheMeanOfACompletionAndAbsentWithoutTheReference() {
    Sample near = FIRST.with(PerTokenName.REFERENCE_LOG_PROB, -1.25, -1);
    Sample same = SECOND.with(PerTokenName.REFERENCE_LOG_PROB, -3);

    // k3 of log-ratios 0 and −1, e^1 − 1 − 1, and of 0: two completions
    assertThat(Watched.of(batch(near, same)).klNats().orElseThrow())
        .isCloseTo((Math.E - 2) / 2, within(1e-12));
    assertThat(Watched.of(batch(FIRST, SECOND)).klNats()).isEmpty();
  }
}
