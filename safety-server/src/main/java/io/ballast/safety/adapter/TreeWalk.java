package io.ballast.safety.adapter;

import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.TreeEnsemble.Node;
import io.ballast.inference.trees.TreeEnsemble.Tree;
import java.util.BitSet;

/**
 * Trees laid out in arrays, walked row by row: a tenth of what XGBoost takes for one row, which is
 * made for thousands at once. Leaves are added in the order of the trees in single precision: the
 * same row gives the same sum bit by bit, and XGBoost's to rounding. Immutable.
 */
final class TreeWalk {
  private final float base;
  private final int[] roots;
  private final int[] lefts; // −1: a leaf
  private final int[] rights;
  private final int[] features;
  private final float[] values;
  private final boolean[] missingLeft;

  TreeWalk(TreeEnsemble ensemble) {
    int nodes = ensemble.trees().stream().mapToInt(tree -> tree.nodes().size()).sum();
    base = ensemble.base();
    roots = new int[ensemble.trees().size()];
    lefts = new int[nodes];
    rights = new int[nodes];
    features = new int[nodes];
    values = new float[nodes];
    missingLeft = new boolean[nodes];
    int at = 0;
    for (int t = 0; t < roots.length; t++) {
      Tree tree = ensemble.trees().get(t);
      roots[t] = at;
      for (Node node : tree.nodes()) {
        lefts[at] = node.isLeaf() ? -1 : roots[t] + node.left();
        rights[at] = node.isLeaf() ? -1 : roots[t] + node.right();
        features[at] = node.feature();
        values[at] = node.value();
        missingLeft[at] = node.missingLeft();
        at++;
      }
    }
  }

  /** The log-odds of a row; NaN is missing. */
  float logOdds(float[] row) {
    float sum = base;
    for (int root : roots) {
      int node = root;
      while (lefts[node] >= 0) {
        float feature = row[features[node]];
        boolean left = Float.isNaN(feature) ? missingLeft[node] : feature < values[node];
        node = left ? lefts[node] : rights[node];
      }
      sum += values[node];
    }
    return sum;
  }

  /** Which features are asked for. */
  BitSet asked() {
    BitSet asked = new BitSet();
    for (int node = 0; node < lefts.length; node++) {
      if (lefts[node] >= 0) {
        asked.set(features[node]);
      }
    }
    return asked;
  }
}
