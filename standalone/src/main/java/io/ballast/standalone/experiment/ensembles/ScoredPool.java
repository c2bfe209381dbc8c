package io.ballast.standalone.experiment.ensembles;

/** The completions of one prompt, as an ensemble and as gold judge them. Not to be written. */
final class ScoredPool {
  private final double[][] members;
  private final double[] gold;

  /**
   * A pool; the arrays are kept as they are, for there are half a million of numbers.
   *
   * @param members shape [K][N], normalised
   * @param gold shape [N]
   */
  ScoredPool(double[][] members, double[] gold) {
    this.members = members;
    this.gold = gold;
  }

  /** Each member's scores, shape [K][N], normalised. */
  double[][] members() {
    return members;
  }

  /** Gold, shape [N]. */
  double[] gold() {
    return gold;
  }
}
