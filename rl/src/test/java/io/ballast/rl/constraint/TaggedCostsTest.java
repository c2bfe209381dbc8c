package io.ballast.rl.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Costs of older policies count as much as one says. */
class TaggedCostsTest {
  private static final TaggedCosts COSTS =
      TaggedCosts.ofCapacity(10).add(3, 1, 2).add(4, 3, 4).add(5, 5);

  @Test
  void keepingAllIsTheBufferWithoutTags() {
    CostBuffer plain = CostBuffer.ofCapacity(10).add(1, 2, 3, 4, 5);
    CostMoments moments = COSTS.at(5, new Staleness.Keep());
    assertThat(moments.mean()).isCloseTo(plain.mean(), within(1e-12));
    assertThat(moments.std()).isCloseTo(plain.sampleStd(), within(1e-12));
    assertThat(moments.size()).isCloseTo(5, within(1e-12));
    PessimisticCost pessimistic = new PessimisticCost(.1, 4, 2, 100);
    assertThat(pessimistic.upperBound(plain.moments())).isEqualTo(pessimistic.upperBound(plain));
    assertThat(pessimistic.linearised(3, plain.moments(), 1e-3))
        .isEqualTo(pessimistic.linearised(3, plain, 1e-3));
  }

  @Test
  void droppedOnesDoNotCount() {
    // of 4 and 5: mean 4, deviations 1 + 0 + 1, s = 1
    CostMoments moments = COSTS.at(5, new Staleness.Drop(1));
    assertThat(moments).isEqualTo(new CostMoments(4, 1, 3));
    assertThat(COSTS.at(6, new Staleness.Drop(2))).as("one version later").isEqualTo(moments);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> COSTS.at(5, new Staleness.Drop(0)))
        .withMessage("costs that count: 1 (expected: >= 2)");
  }

  @Test
  void fadedOnesByHand() {
    // a half-life of one version: weights 1/4, 1/4, 1/2, 1/2, 1; Σw 2.5, Σw² 1.625
    CostMoments moments = COSTS.at(5, new Staleness.Fade(1));
    // (.25 + .5 + 1.5 + 2 + 5)/2.5 = 3.7
    assertThat(moments.mean()).isCloseTo(3.7, within(1e-12));
    // .25·(7.29 + 2.89) + .5·(.49 + .09) + 1.69 = 4.525, divided by 2.5 − 1.625/2.5 = 1.85
    assertThat(moments.std()).isCloseTo(Math.sqrt(4.525 / 1.85), within(1e-12));
    assertThat(moments.size()).isCloseTo(6.25 / 1.625, within(1e-12));
  }

  @Test
  void howOldTheLatestAreDoesNotMatterToTheOthers() {
    TaggedCosts old = TaggedCosts.ofCapacity(10).add(3, 1, 2, 3);
    assertThat(old.at(700, new Staleness.Fade(1))).isEqualTo(new CostMoments(2, 1, 3));
  }

  @Test
  void oneCostThatOutweighsTheOthersIsNoSample() {
    TaggedCosts costs = TaggedCosts.ofCapacity(10).add(0, 1, 2, 3).add(4, 7);
    // weights 1 and three of 1/16: (19/16)²/(259/256) = 361/259
    assertThatIllegalArgumentException()
        .isThrownBy(() -> costs.at(4, new Staleness.Fade(1)))
        .withMessage("effective size: " + 361.0 / 259 + " (expected: >= 2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> costs.at(5_000, new Staleness.Fade(1)))
        .withMessage("costs that count: 0 (expected: >= 2)");
  }

  @Test
  void whatIsOlderMakesTheBoundWider() {
    PessimisticCost pessimistic = new PessimisticCost(.1, 1, 0, 100);
    TaggedCosts costs = TaggedCosts.ofCapacity(100).add(0, alternating(50)).add(9, alternating(50));
    double before = 0;
    for (double halfLife : new double[] {1000, 10, 3, 1}) {
      CostMoments moments = costs.at(9, new Staleness.Fade(halfLife));
      assertThat(moments.mean()).isCloseTo(.5, within(1e-12));
      double bound = pessimistic.upperBound(moments);
      assertThat(bound).isGreaterThan(before);
      before = bound;
    }
  }

  private static double[] alternating(int count) {
    double[] costs = new double[count];
    for (int i = 0; i < count; i++) {
      costs[i] = i % 2;
    }
    return costs;
  }

  @Test
  void staleCostsBiasTheMeanAndWeightsTakeItBack() {
    // each version is .02 safer than the last; costs of the last 20 versions, ten of each
    SplittableRandom random = new SplittableRandom(7);
    TaggedCosts costs = TaggedCosts.ofCapacity(200);
    for (int version = 0; version <= 30; version++) {
      for (int i = 0; i < 10; i++) {
        costs = costs.add(version, 1 - .02 * version + .1 * random.nextGaussian());
      }
    }
    double now = 1 - .02 * 30;
    double kept = costs.at(30, new Staleness.Keep()).mean() - now;
    double faded = costs.at(30, new Staleness.Fade(2)).mean() - now;
    double dropped = costs.at(30, new Staleness.Drop(0)).mean() - now;
    assertThat(kept).isCloseTo(.19, within(.03));
    assertThat(faded).isBetween(-.05, .09);
    assertThat(dropped).isCloseTo(0, within(.1));
  }

  @Test
  void theOldestArePushedOut() {
    TaggedCosts three = TaggedCosts.ofCapacity(3).add(1, 7, 8).add(2, 9, 10);
    assertThat(three.costs())
        .containsExactly(new TaggedCost(8, 1), new TaggedCost(9, 2), new TaggedCost(10, 2));
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> COSTS.add(4, 1))
        .withMessage("costs[5].version: 4 (expected: >= 5)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> COSTS.at(4, new Staleness.Keep()))
        .withMessage("lag: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> COSTS.add(6, Double.NaN))
        .withMessage("cost: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TaggedCost(1, -1))
        .withMessage("version: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TaggedCosts(1, List.of(new TaggedCost(1, 1), new TaggedCost(1, 1))))
        .withMessage("costs: 2 elements (expected: at most 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Staleness.Fade(0))
        .withMessage("halfLife: 0.0 (expected: > 0, finite)");
  }
}
