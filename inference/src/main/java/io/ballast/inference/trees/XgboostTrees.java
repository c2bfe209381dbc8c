package io.ballast.inference.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.trees.TreeEnsemble.Node;
import io.ballast.inference.trees.TreeEnsemble.Tree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads XGBoost's files, UBJSON or JSON, of gradient-boosted trees for one yes-or-no question
 * ({@code binary:logistic}) over numbers: no categories, no dropout, one target.
 */
public final class XgboostTrees {
  /** What our folders call them in UBJSON. */
  public static final String FILE = "trees.ubj";

  /** And in JSON. */
  public static final String FILE_AS_JSON = "trees.json";

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private XgboostTrees() {}

  /**
   * Reads the trees of a folder.
   *
   * @return trees whose sum is the log-odds
   * @throws ModelException INVALID_FOLDER if the file is missing or is not what it should be, named
   */
  public static TreeEnsemble read(Path folder) {
    Path binary = folder.resolve(FILE);
    Path file = Files.isRegularFile(binary) ? binary : folder.resolve(FILE_AS_JSON);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, binary + ": the file is missing");
    }
    try {
      byte[] bytes = Files.readAllBytes(file);
      return of(file.equals(binary) ? Ubjson.read(bytes) : MAPPER.readTree(bytes));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads the trees of a model in UBJSON.
   *
   * @return trees whose sum is the log-odds
   * @throws IllegalArgumentException if it is not what it should be
   */
  public static TreeEnsemble ofUbjson(byte[] model) {
    return of(Ubjson.read(model));
  }

  /** Reads the trees of a document. */
  static TreeEnsemble of(JsonNode document) {
    JsonNode learner = document.path("learner");
    JsonNode booster = learner.path("gradient_booster");
    requireText(learner.path("objective").path("name"), "objective", "binary:logistic");
    requireText(booster.path("name"), "gradient_booster", "gbtree");
    JsonNode parameters = learner.path("learner_model_param");
    double probability = number(parameters.path("base_score"), "base_score");
    if (!(probability > 0 && probability < 1)) {
      throw new IllegalArgumentException(
          "base_score: " + probability + " (expected: a probability, above 0 and below 1)");
    }
    List<Tree> trees = new ArrayList<>();
    for (JsonNode tree : booster.path("model").path("trees")) {
      trees.add(tree(tree, "trees[" + trees.size() + "]"));
    }
    return new TreeEnsemble(
        (int) number(parameters.path("num_feature"), "num_feature"),
        (float) Math.log(probability / (1 - probability)),
        trees);
  }

  private static Tree tree(JsonNode tree, String name) {
    JsonNode left = tree.path("left_children");
    JsonNode right = tree.path("right_children");
    JsonNode missingLeft = tree.path("default_left");
    JsonNode features = tree.path("split_indices");
    JsonNode values = tree.path("split_conditions");
    if (!tree.path("categories").isEmpty()) {
      throw new IllegalArgumentException(name + ": asks for categories (expected: numbers alone)");
    }
    int size = left.size();
    for (JsonNode column : List.of(right, missingLeft, features, values)) {
      if (column.size() != size) {
        throw new IllegalArgumentException(
            name + ": columns of " + size + " and " + column.size() + " nodes");
      }
    }
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      nodes.add(
          new Node(
              left.get(i).asInt(),
              right.get(i).asInt(),
              missingLeft.get(i).asInt() != 0 || missingLeft.get(i).asBoolean(),
              features.get(i).asInt(),
              values.get(i).floatValue()));
    }
    return new Tree(nodes);
  }

  /** A number as text, newer versions of XGBoost in brackets. */
  private static double number(JsonNode node, String name) {
    String text = node.asText().replace("[", "").replace("]", "");
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + ": " + node + " (expected: a number)", e);
    }
  }

  private static void requireText(JsonNode node, String name, String expected) {
    if (!node.asText().equals(expected)) {
      throw new IllegalArgumentException(name + ": " + node + " (expected: " + expected + ")");
    }
  }
}
