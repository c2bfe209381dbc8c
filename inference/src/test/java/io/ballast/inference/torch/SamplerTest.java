package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.SamplingOptions;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Draws follow the probabilities that truncation leaves, and say how likely they were. */
class SamplerTest {
  private static final float[] FOUR = {9, 0.1f, 0.4f, 0.3f, 0.2f, 9}; // padded on both sides

  private static SamplingOptions options(double temperature, int topK, double topP) {
    return new SamplingOptions(temperature, topK, topP, 1, List.of(), 0);
  }

  /** The share of each token in 4,000 draws. */
  private static TreeMap<Integer, Double> shares(
      SamplingOptions options, @Nullable BitSet allowed) {
    SplittableRandom random = new SplittableRandom(3);
    TreeMap<Integer, Double> shares = new TreeMap<>();
    for (int i = 0; i < 4000; i++) {
      shares.merge(
          Sampler.draw(FOUR, 1, 4, options, allowed, random).tokenId(), 1 / 4000.0, Double::sum);
    }
    return shares;
  }

  @Test
  void greedyTakesTheLikeliestAndIsCertain() {
    assertThat(Sampler.draw(FOUR, 1, 4, options(0, 0, 1), null, new SplittableRandom(1)))
        .isEqualTo(new Sampler.Draw(1, 0));
  }

  @Test
  void withoutTruncationSharesAreTheProbabilities() {
    TreeMap<Integer, Double> shares = shares(options(1, 0, 1), null);
    for (int id = 0; id < 4; id++) {
      assertThat(shares.get(id)).isCloseTo(FOUR[id + 1], within(0.03));
    }
  }

  @Test
  void topKKeepsTheLikeliestAndRescalesThem() {
    TreeMap<Integer, Double> shares = shares(options(1, 2, 1), null);
    assertThat(shares.keySet()).containsExactly(1, 2);
    assertThat(shares.get(1)).isCloseTo(0.4 / 0.7, within(0.03));
  }

  @Test
  void topPKeepsTheSmallestSetThatReachesIt() {
    // 0.4 + 0.3 = 0.7 reaches 0.65; 0.4 + 0.3 + 0.2 is needed for 0.75
    assertThat(shares(options(1, 0, 0.65), null).keySet()).containsExactly(1, 2);
    assertThat(shares(options(1, 0, 0.75), null).keySet()).containsExactly(1, 2, 3);
  }

  @Test
  void topPCountsFromWhatTopKLeaves() {
    // of the two likeliest, the first has 0.4/0.7 = 0.57
    assertThat(shares(options(1, 2, 0.5), null).keySet()).containsExactly(1);
  }

  @Test
  void onlyAllowedTokensAreDrawnAndTheirLogProbIsAmongThem() {
    BitSet allowed = new BitSet();
    allowed.set(0);
    allowed.set(3);
    assertThat(shares(options(1, 0, 1), allowed).keySet()).containsExactly(0, 3);
    assertThat(
            Sampler.draw(FOUR, 1, 4, options(0, 0, 1), allowed, new SplittableRandom(1)).tokenId())
        .isEqualTo(3);
    Sampler.Draw draw =
        Sampler.draw(FOUR, 1, 4, options(1, 0, 1), allowed, new SplittableRandom(1));
    double share = draw.tokenId() == 0 ? 0.1 / 0.3 : 0.2 / 0.3;
    assertThat(draw.logProb()).isCloseTo((float) Math.log(share), within(1e-5f));
  }

  @Test
  void equalProbabilitiesAreRankedByTheirId() {
    float[] equal = {0.25f, 0.25f, 0.25f, 0.25f};
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 50; i++) {
      assertThat(Sampler.draw(equal, 0, 4, options(1, 1, 1), null, random).tokenId()).isZero();
    }
  }

  @Test
  void allowedTokensWithoutProbabilityStillGiveAnAnswer() {
    BitSet allowed = new BitSet();
    allowed.set(1);
    assertThat(
            Sampler.draw(
                new float[] {1, 0}, 0, 2, options(1, 0, 1), allowed, new SplittableRandom(1)))
        .isEqualTo(new Sampler.Draw(1, 0));
  }
}
