package io.ballast.safety.core.gatefit;

/** Grows trees that tell yes from no. */
public interface TreeGrower {
  /**
   * How trees are grown.
   *
   * @param rounds the most trees, ≥ 1
   * @param depth of a tree, ≥ 1
   * @param learningRate of a tree, above 0, at most 1
   * @param leastWeight of a leaf, the sum of p·(1 − p)·weight, ≥ 0
   * @param seed of the rows and columns that a tree sees
   */
  record Options(int rounds, int depth, double learningRate, double leastWeight, long seed) {}

  /**
   * Grows trees on {@code train}; {@code validation} decides how many.
   *
   * @param train at least one example of either answer
   * @param validation at least one example
   */
  GrownTrees grow(Examples train, Examples validation, Options options);

  /** Examples of equal length. */
  interface Examples {
    /** How many there are. */
    int size();

    /** What is seen of one; NaN is missing. Not to be written. */
    float[] features(int index);

    /** The answer. */
    boolean yes(int index);

    /** How much it counts, above 0. */
    double weight(int index);
  }
}
