package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.TreeEnsemble.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Trees as one ONNX model: float {@value #FEATURES} [B, F], of which one that is not a number is
 * missing, to float {@value #MARGIN} [B, 1].
 */
public final class TreeGraph {
  /** A row's numbers. */
  public static final String FEATURES = "features";

  /** The sum of its leaves. */
  public static final String MARGIN = "log_odds";

  private TreeGraph() {}

  /** Writes the model to a file, which must not be there. */
  public static void write(TreeEnsemble ensemble, Path file) throws IOException {
    OnnxGraph graph = new OnnxGraph("ballast_trees");
    String features =
        graph.input(FEATURES, DataType.FLOAT, "B", Integer.toString(ensemble.features()));
    graph.output(
        MARGIN, graph.applyMl("TreeEnsembleRegressor", attributes(ensemble), features), "B", "1");
    try (var out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)) {
      graph.model().writeTo(out);
    }
  }

  private static List<AttributeProto> attributes(TreeEnsemble ensemble) {
    List<Long> trees = new ArrayList<>();
    List<Long> ids = new ArrayList<>();
    List<Long> asked = new ArrayList<>();
    List<String> modes = new ArrayList<>();
    List<Float> values = new ArrayList<>();
    List<Long> left = new ArrayList<>();
    List<Long> right = new ArrayList<>();
    List<Long> missingLeft = new ArrayList<>();
    List<Long> leafTrees = new ArrayList<>();
    List<Long> leafIds = new ArrayList<>();
    List<Float> weights = new ArrayList<>();
    for (int t = 0; t < ensemble.trees().size(); t++) {
      List<Node> nodes = ensemble.trees().get(t).nodes();
      for (int i = 0; i < nodes.size(); i++) {
        Node node = nodes.get(i);
        trees.add((long) t);
        ids.add((long) i);
        asked.add(node.isLeaf() ? 0L : node.feature());
        modes.add(node.isLeaf() ? "LEAF" : "BRANCH_LT");
        values.add(node.isLeaf() ? 0 : node.value());
        left.add(node.isLeaf() ? 0L : node.left());
        right.add(node.isLeaf() ? 0L : node.right());
        missingLeft.add(node.missingLeft() ? 1L : 0L);
        if (node.isLeaf()) {
          leafTrees.add((long) t);
          leafIds.add((long) i);
          weights.add(node.value());
        }
      }
    }
    return List.of(
        OnnxGraph.attribute("n_targets", 1),
        OnnxGraph.floatsAttribute("base_values", List.of(ensemble.base())),
        OnnxGraph.integersAttribute("nodes_treeids", trees),
        OnnxGraph.integersAttribute("nodes_nodeids", ids),
        OnnxGraph.integersAttribute("nodes_featureids", asked),
        OnnxGraph.textsAttribute("nodes_modes", modes),
        OnnxGraph.floatsAttribute("nodes_values", values),
        OnnxGraph.integersAttribute("nodes_truenodeids", left),
        OnnxGraph.integersAttribute("nodes_falsenodeids", right),
        OnnxGraph.integersAttribute("nodes_missing_value_tracks_true", missingLeft),
        OnnxGraph.integersAttribute("target_treeids", leafTrees),
        OnnxGraph.integersAttribute("target_nodeids", leafIds),
        OnnxGraph.integersAttribute("target_ids", weights.stream().map(w -> 0L).toList()),
        OnnxGraph.floatsAttribute("target_weights", weights));
  }
}
