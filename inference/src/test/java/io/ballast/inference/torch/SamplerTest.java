package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Draws follow the probabilities that truncation leaves, and say how likely they were. */
class SamplerTest {
  private static final float[] FOUR = {9, 0.1f, 0.4f, 0.3f, 0.2f, 9}; // padded on both sides

  private final Sampler sampler = new Sampler();

  private static SamplingOptions options(double temperature, int topK, double topP) {
    return SamplingOptions.builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .maxNewTokens(1)
        .build();
  }

  private static SamplingOptions minP(double minP) {
    return SamplingOptions.builder().minP(minP).build();
  }

  /** The share of each token in 4,000 draws. */
  private TreeMap<Integer, Double> shares(SamplingOptions options) {
    SplittableRandom random = new SplittableRandom(3);
    TreeMap<Integer, Double> shares = new TreeMap<>();
    for (int i = 0; i < 4000; i++) {
      shares.merge(sampler.draw(FOUR, 1, 4, options, random).tokenId(), 1 / 4000.0, Double::sum);
    }
    return shares;
  }

  @Test
  void greedyTakesTheLikeliestAndIsCertain() {
    assertThat(sampler.draw(FOUR, 1, 4, options(0, 0, 1), new SplittableRandom(1)))
        .isEqualTo(new Sampler.Draw(1, 0));
  }

  @Test
  void withoutTruncationSharesAreTheProbabilities() {
    TreeMap<Integer, Double> shares = shares(options(1, 0, 1));
    for (int id = 0; id < 4; id++) {
      assertThat(shares.get(id)).isCloseTo(FOUR[id + 1], within(0.03));
    }
  }

  @Test
  void topKKeepsTheLikeliestAndRescalesThem() {
    TreeMap<Integer, Double> shares = shares(options(1, 2, 1));
    assertThat(shares.keySet()).containsExactly(1, 2);
    assertThat(shares.get(1)).isCloseTo(0.4 / 0.7, within(0.03));
  }

  @Test
  void topPKeepsTheSmallestSetThatReachesIt() {
    // 0.4 + 0.3 = 0.7 reaches 0.65; 0.4 + 0.3 + 0.2 is needed for 0.75
    assertThat(shares(options(1, 0, 0.65)).keySet()).containsExactly(1, 2);
    assertThat(shares(options(1, 0, 0.75)).keySet()).containsExactly(1, 2, 3);
  }

  @Test
  void topPCountsFromWhatTopKLeaves() {
    // of the two likeliest, the first has 0.4/0.7 = 0.57
    assertThat(shares(options(1, 2, 0.5)).keySet()).containsExactly(1);
  }

  @Test
  void minPKeepsWhatIsLikelyEnoughBesideTheLikeliest() {
    // of 0.4: 0.3 is 75 %, 0.2 is 50 %, 0.1 is 25 %
    assertThat(shares(minP(0.7)).keySet()).containsExactly(1, 2);
    assertThat(shares(minP(0.4)).keySet()).containsExactly(1, 2, 3);
    assertThat(shares(minP(1)).keySet()).containsExactly(1);
  }

  @Test
  void theLogProbIsThatAmongWhatIsLeft() {
    Sampler.Draw draw = sampler.draw(FOUR, 1, 4, options(1, 2, 1), new SplittableRandom(1));
    double share = draw.tokenId() == 1 ? 0.4 / 0.7 : 0.3 / 0.7;
    assertThat(draw.logProb()).isCloseTo((float) Math.log(share), within(1e-6f));
  }

  @Test
  void weightsNeedNotSumToOne() {
    float[] thrice = {0.3f, 1.2f, 0.9f, 0.6f};
    for (SamplingOptions options :
        List.of(options(1, 0, 1), options(1, 0, 0.75), options(1, 3, 0.6), minP(0.3))) {
      SplittableRandom random = new SplittableRandom(5);
      SplittableRandom same = new SplittableRandom(5);
      for (int i = 0; i < 100; i++) {
        Sampler.Draw draw = sampler.draw(thrice, 0, 4, options, random);
        Sampler.Draw normalised = sampler.draw(FOUR, 1, 4, options, same);
        assertThat(draw.tokenId()).isEqualTo(normalised.tokenId());
        assertThat(draw.logProb()).isCloseTo(normalised.logProb(), within(1e-5f));
      }
    }
  }

  @Test
  void optionsThatCutNothingChangeNoDraw() {
    SamplingOptions plain = options(1, 0, 1);
    for (SamplingOptions same :
        List.of(options(1, 4, 1), options(1, 9, 1), minP(1e-9), minP(0), options(1, 0, 0.9999))) {
      SplittableRandom one = new SplittableRandom(8);
      SplittableRandom other = new SplittableRandom(8);
      for (int i = 0; i < 200; i++) {
        assertThat(sampler.draw(FOUR, 1, 4, same, one))
            .isEqualTo(sampler.draw(FOUR, 1, 4, plain, other));
      }
    }
  }

  @Test
  void equalProbabilitiesAreRankedByTheirId() {
    float[] equal = {0.25f, 0.25f, 0.25f, 0.25f};
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 50; i++) {
      assertThat(sampler.draw(equal, 0, 4, options(1, 1, 1), random).tokenId()).isZero();
      assertThat(sampler.draw(equal, 0, 4, options(1, 0, 0.5), random).tokenId()).isLessThan(2);
      assertThat(sampler.draw(equal, 0, 4, options(0, 0, 1), random).tokenId()).isZero();
    }
  }

  @Test
  void aDrawTakesOneRandomNumberWhateverTheOptions() {
    for (SamplingOptions options : List.of(options(1, 0, 1), options(1, 2, 0.5), minP(0.5))) {
      SplittableRandom random = new SplittableRandom(4);
      SplittableRandom counted = new SplittableRandom(4);
      sampler.draw(FOUR, 1, 4, options, random);
      counted.nextDouble();
      assertThat(random.nextLong()).isEqualTo(counted.nextLong());
    }
  }

  @Test
  void whatHasNoWeightIsNeverDrawnAndNothingAtAllIsAnError() {
    float[] one = {0, 0, 1e-38f, 0};
    for (SamplingOptions options :
        List.of(options(1, 0, 1), options(1, 3, 0.9), options(0, 0, 1))) {
      assertThat(sampler.draw(one, 0, 4, options, new SplittableRandom(1)).tokenId()).isEqualTo(2);
      for (float nothing : new float[] {0, Float.NaN}) {
        float[] none = {nothing, nothing};
        assertThatThrownBy(() -> sampler.draw(none, 0, 2, options, new SplittableRandom(1)))
            .isInstanceOf(ModelException.class)
            .hasMessage("the sampling options leave no token to draw")
            .extracting(e -> ((ModelException) e).reason())
            .isEqualTo(ModelException.Reason.NO_TOKEN_LEFT);
      }
    }
  }

  /** The definition word for word: sort all, cut, cut, cut. */
  private static TreeSet<Integer> keptSlowly(float[] weights, SamplingOptions options) {
    List<Integer> ranked = new ArrayList<>(IntStream.range(0, weights.length).boxed().toList());
    ranked.sort(Comparator.<Integer>comparingDouble(id -> -weights[id]).thenComparing(id -> id));
    if (options.topK() > 0) {
      ranked = ranked.subList(0, Math.min(options.topK(), ranked.size()));
    }
    double total = ranked.stream().mapToDouble(id -> weights[id]).sum();
    TreeSet<Integer> kept = new TreeSet<>();
    double reached = 0;
    for (int id : ranked) {
      if (reached >= options.topP() * total && options.topP() < 1) {
        break;
      }
      reached += weights[id];
      if (weights[id] >= options.minP() * weights[ranked.getFirst()]) {
        kept.add(id);
      }
    }
    return kept;
  }

  @Test
  void topKBeyondWhatMayBeDrawnCutsNothingAndRanksNoZeros() {
    float[] weights = new float[1_000];
    weights[3] = 0.5f;
    weights[900] = 0.25f;
    SamplingOptions options = options(1, 40, 1);
    assertThat(new Truncation().cut(weights, 0, 1_000, 0.75, options))
        .isEqualTo(Truncation.Cut.NONE);
    assertThat(new Truncation().cut(weights, 0, 1_000, 0.75, options(1, 2, 1)))
        .isEqualTo(new Truncation.Cut(0.25f, 900));
    assertThat(new Truncation().cut(weights, 0, 1_000, 0.75, options(1, 40, 0.6)))
        .isEqualTo(new Truncation.Cut(0.5f, 3));
  }

  @Test
  void truncationAgreesWithSortingEverything() {
    SplittableRandom random = new SplittableRandom(11);
    for (int round = 0; round < 1_000; round++) {
      float[] weights = new float[1 + random.nextInt(300)];
      double sharpness = random.nextDouble(12);
      for (int id = 0; id < weights.length; id++) {
        // some equal, some far apart
        weights[id] = (float) Math.exp(-sharpness * random.nextInt(40) / 8.0);
      }
      SamplingOptions options =
          SamplingOptions.builder()
              .topK(random.nextBoolean() ? 0 : random.nextInt(weights.length + 3))
              .topP(random.nextInt(3) == 0 ? 1 : 0.01 + 0.98 * random.nextDouble())
              .minP(random.nextInt(3) == 0 ? 0 : random.nextDouble())
              .build();
      double sum = 0;
      for (float weight : weights) {
        sum += weight;
      }
      Truncation.Cut cut = new Truncation().cut(weights, 0, weights.length, sum, options);
      TreeSet<Integer> kept = new TreeSet<>();
      for (int id = 0; id < weights.length; id++) {
        if (cut.keeps(weights[id], id)) {
          kept.add(id);
        }
      }
      assertThat(kept).as("%s of %s", options, weights).isEqualTo(keptSlowly(weights, options));
    }
  }
}
