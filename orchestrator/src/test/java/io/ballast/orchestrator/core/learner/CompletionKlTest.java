package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import org.junit.jupiter.api.Test;

/** The KL of a completion is k3 of what the policy sampled, and k2 of what anybody may have. */
class CompletionKlTest {
  /** Log-ratios u of ½ and −1. */
  private static final Sample SAMPLE =
      Sample.rollout(TokenIds.of(4, 5))
          .with(PerTokenName.CURRENT_LOG_PROB, -1, -3)
          .with(PerTokenName.REFERENCE_LOG_PROB, -1.5, -2);

  /** Σ e^(−u) + u − 1. */
  private static final double K3 = Math.exp(-.5) + .5 - 1 + Math.exp(1) - 1 - 1;

  /** Σ ½u². */
  private static final double K2 = .125 + .5;

  private static double nats(Sample sample) {
    return CompletionKl.nats(sample, PerTokenName.CURRENT_LOG_PROB);
  }

  @Test
  void ofWhatThePolicySampledItIsK3() {
    assertThat(nats(SAMPLE)).isCloseTo(K3, within(1e-12));
    assertThat(nats(SAMPLE.with(SampleRole.CHOSEN).with(PerTokenName.SERVED_LOG_PROB, -1, -3)))
        .as("in whatever role")
        .isCloseTo(K3, within(1e-12));
  }

  @Test
  void ofWhatADataSetHasOrTheReferenceWroteItIsK2() {
    assertThat(nats(SAMPLE.with(SampleRole.REJECTED))).isCloseTo(K2, within(1e-12));
    assertThat(nats(SAMPLE.with(SampleRole.REFERENCE_ROLLOUT))).isCloseTo(K2, within(1e-12));
  }
}
