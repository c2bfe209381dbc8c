package io.ballast.inference.trees;

import java.util.List;

/**
 * Trees whose leaves are summed. Immutable.
 *
 * @param features how many numbers a row has
 * @param base what is added to the sum
 * @param trees at least one
 */
public record TreeEnsemble(int features, float base, List<Tree> trees) {
  /**
   * Checks that each node leads on or is a leaf.
   *
   * @throws IllegalArgumentException if one does not, named
   */
  public TreeEnsemble {
    trees = List.copyOf(trees);
    require(features > 0, "features: " + features + " (expected: > 0)");
    require(Float.isFinite(base), "base: " + base + " (expected: finite)");
    require(!trees.isEmpty(), "trees: none (expected: at least one)");
    for (int t = 0; t < trees.size(); t++) {
      check(trees.get(t), "trees[" + t + "]", features);
    }
  }

  /**
   * One tree, its root first.
   *
   * @param nodes at least one
   */
  public record Tree(List<Node> nodes) {
    public Tree {
      nodes = List.copyOf(nodes);
    }
  }

  /**
   * A node: a question or a leaf.
   *
   * @param left the node where the feature is below the value; −1: this is a leaf
   * @param right the node elsewhere
   * @param missingLeft whether a feature that is not a number leads left
   * @param feature which feature is asked for
   * @param value what it is compared with, or what the leaf adds
   */
  public record Node(int left, int right, boolean missingLeft, int feature, float value) {
    /** Whether it asks nothing. */
    public boolean isLeaf() {
      return left < 0;
    }
  }

  /**
   * Returns the sum for one row: the slow and plain way.
   *
   * @param row shape [features]; not a number is a missing one
   */
  public double margin(float[] row) {
    require(
        row.length == features, "row: " + row.length + " features (expected: " + features + ")");
    double sum = base;
    for (Tree tree : trees) {
      Node node = tree.nodes().getFirst();
      while (!node.isLeaf()) {
        float feature = row[node.feature()];
        boolean left = Float.isNaN(feature) ? node.missingLeft() : feature < node.value();
        node = tree.nodes().get(left ? node.left() : node.right());
      }
      sum += node.value();
    }
    return sum;
  }

  private static void check(Tree tree, String name, int features) {
    int size = tree.nodes().size();
    require(size > 0, name + ": no nodes");
    for (int i = 0; i < size; i++) {
      Node node = tree.nodes().get(i);
      String where = name + ".nodes[" + i + "]";
      require(!Float.isNaN(node.value()), where + ": value NaN");
      if (!node.isLeaf()) {
        // children stand behind their parent, so that every walk ends
        require(
            node.left() > i && node.left() < size && node.right() > i && node.right() < size,
            where + ": leads to " + node.left() + " and " + node.right() + " of " + size);
        require(
            node.feature() >= 0 && node.feature() < features,
            where + ": feature " + node.feature() + " of " + features);
      }
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
