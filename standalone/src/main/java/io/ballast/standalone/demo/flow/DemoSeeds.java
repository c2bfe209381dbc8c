package io.ballast.standalone.demo.flow;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** All chance of the demo, from one seed. The same seed, purpose and place: the same draw. */
public record DemoSeeds(long seed) {
  /** What chance is needed for. */
  public enum Purpose {
    POSITIONS,
    PROGRAMMER,
    SUGGESTIONS,
    RANKING,
    COMPARISON,
    RUNS
  }

  /** Returns a generator for {@code purpose}. */
  public RandomGenerator generator(Purpose purpose) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(at(purpose, 0, 0));
  }

  /** Returns the seed of draw {@code j} at place {@code i}. */
  long at(Purpose purpose, int i, int j) {
    long mixed = new SplittableRandom(seed * 31 + purpose.ordinal()).nextLong();
    return new SplittableRandom(mixed ^ ((long) i << 32 | j)).nextLong();
  }
}
