package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The toy's members learn, flipped labels make them worse, and a seed says the same again. */
class HeavyTailToyTest {
  private static final List<Integer> NS = List.of(1, 64);

  @Test
  void membersLearnAndFlipsHurt() {
    HeavyTailToy toy = new HeavyTailToy(2, 20, 256);
    double[] clean = toy.curves(NS, 1, 0).gold(Aggregate.MEAN);
    double[] noisy = toy.curves(NS, 1, 0.25).gold(Aggregate.MEAN);
    assertThat(clean[0]).isCloseTo(noisy[0], within(1e-9)); // the same pools
    assertThat(clean[1] - clean[0]).isGreaterThan(1); // standard deviations
    assertThat(noisy[1]).isBetween(noisy[0], clean[1]);
    assertThat(toy.curves(NS, 1, 0.25).gold(Aggregate.MEAN)).isEqualTo(noisy);
  }
}
