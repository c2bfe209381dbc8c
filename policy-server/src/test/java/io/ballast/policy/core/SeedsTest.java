package io.ballast.policy.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** {@code derive} gives each completion of a call a seed of its own. */
class SeedsTest {
  @Test
  void isTwoStepsOfSplitMix64() {
    // SplitMix64 seeded with 0 gives 0xE220A8397B1DCDAF first: the seed of prompt 0 before its
    // completion is mixed in. Seeded with that, its first number is completion 0's seed.
    long ofPrompt = 0xE220_A839_7B1D_CDAFL;
    assertThat(Seeds.derive(0, 0, 0)).isEqualTo(new SplittableRandom(ofPrompt).nextLong());
  }

  @Test
  void noTwoOfALargeCallAreEqual() {
    Set<Long> seeds = new HashSet<>();
    for (int prompt = 0; prompt < 1_024; prompt++) {
      for (int completion = 0; completion < 64; completion++) {
        seeds.add(Seeds.derive(42, prompt, completion));
      }
    }
    assertThat(seeds).hasSize(1_024 * 64);
  }

  @Test
  void neighbouringCallsShareNone() {
    // without the inner mix, derive(s, i + 1, j) would be derive(s, i, j + 1)
    assertThat(Seeds.derive(1, 1, 0)).isNotEqualTo(Seeds.derive(1, 0, 1));
    assertThat(Seeds.derive(1, 0, 0)).isNotEqualTo(Seeds.derive(0, 1, 0));
  }
}
