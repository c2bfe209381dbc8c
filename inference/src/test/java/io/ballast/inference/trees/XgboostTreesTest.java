package io.ballast.inference.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.trees.TreeEnsemble.Node;
import io.ballast.inference.trees.TreeEnsemble.Tree;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trees are read from XGBoost's files, or refused with the place of what is wrong. */
class XgboostTreesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path GATE = Path.of("..", "models", "java-gate-context", "1");

  @TempDir private Path folder = Path.of(".");

  /** One question, x₁ < 2.5: left 0.5, right −0.25; a missing number goes right. */
  private static String model() {
    return """
    {"learner": {
      "objective": {"name": "binary:logistic"},
      "learner_model_param": {"base_score": "[7.5E-1]", "num_feature": "3"},
      "gradient_booster": {"name": "gbtree", "model": {"trees": [{
        "left_children": [1, -1, -1], "right_children": [2, -1, -1],
        "default_left": [0, 0, 0], "split_indices": [1, 0, 0],
        "split_conditions": [2.5, 0.5, -0.25], "categories": []}]}}}}\
    """;
  }

  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof String text) {
        out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
      } else {
        out.write((Integer) part);
      }
    }
    return out.toByteArray();
  }

  @Test
  void aTreeIsWalkedByHand() throws IOException {
    TreeEnsemble trees = XgboostTrees.of(JSON.readTree(model()));

    // log(0.75 / 0.25) = 1.0986123
    assertThat(trees.margin(new float[] {0, 2.4f, 0})).isCloseTo(1.5986123, within(1e-6));
    assertThat(trees.margin(new float[] {0, 2.5f, 0})).isCloseTo(0.8486123, within(1e-6));
    assertThat(trees.margin(new float[] {0, Float.NaN, 0})).isCloseTo(0.8486123, within(1e-6));
    assertThatThrownBy(() -> trees.margin(new float[2]))
        .hasMessage("row: 2 features (expected: 3)");
  }

  @Test
  void aCommittedGateIsRead() {
    TreeEnsemble trees = XgboostTrees.read(GATE);

    assertThat(trees.trees()).hasSize(33);
    assertThat(trees.base())
        .isCloseTo((float) Math.log(0.31980228 / (1 - 0.31980228)), within(1e-6f));
  }

  @Test
  void binaryValuesAreRead() {
    assertThat(Ubjson.read(bytes("{i", 1, "ai", 251, "i", 1, "bSi", 2, "hi}")).toString())
        .isEqualTo("{\"a\":-5,\"b\":\"hi\"}");
    assertThat(Ubjson.read(bytes("[ZTFU", 200, "I", 1, 0, "l", 0, 0, 1, 1, "Cx]")).toString())
        .isEqualTo("[null,true,false,200,256,257,\"x\"]");
    assertThat(Ubjson.read(bytes("[$d#i", 2, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0)).toString())
        .isEqualTo("[1.0,-2.0]");
    assertThat(Ubjson.read(bytes("[#i", 2, "TND", 0x3f, 0xe0, 0, 0, 0, 0, 0, 0)).toString())
        .isEqualTo("[true,0.5]");
  }

  @Test
  void binaryThatLiesIsRefusedWithoutCost() {
    assertThatThrownBy(() -> Ubjson.read(bytes("[$d#l", 0x7f, 0xff, 0xff, 0xff)))
        .hasMessage("byte 9: 2147483647 values or bytes, with 0 bytes left");
    assertThatThrownBy(() -> Ubjson.read(bytes("Si", 255))).hasMessageContaining("-1 values");
    assertThatThrownBy(() -> Ubjson.read(bytes("[T"))).hasMessage("ends in the middle of a value");
    assertThatThrownBy(() -> Ubjson.read(bytes("?"))).hasMessage("byte 1: marker '?'");
    assertThatThrownBy(() -> Ubjson.read(bytes("[".repeat(200))))
        .hasMessageEndingWith("nested deeper than 64");
    assertThatThrownBy(() -> Ubjson.read(bytes("{$i#i", 1)))
        .hasMessageEndingWith("an object of one type or a count");
  }

  @Test
  void everyTruncationOfAFileIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(GATE.resolve("trees.ubj"));
    for (int length = 0; length < whole.length; length += 997) {
      Files.write(folder.resolve(XgboostTrees.FILE), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> XgboostTrees.read(folder))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.INVALID_FOLDER))
          .hasMessageContaining("trees.ubj: ");
    }
  }

  @Test
  void whatItDoesNotKnowIsNamed() throws IOException {
    refuses("/learner/objective", "name", "\"reg:squarederror\"", "objective: ");
    refuses("/learner/gradient_booster", "name", "\"dart\"", "gradient_booster: ");
    refuses("/learner/learner_model_param", "base_score", "\"1\"", "base_score: 1.0");
    refuses("/learner/learner_model_param", "num_feature", "\"x\"", "num_feature: ");
    refuses(
        "/learner/learner_model_param",
        "num_feature",
        "\"1\"",
        "trees[0].nodes[0]: feature 1 of 1");
    String tree = "/learner/gradient_booster/model/trees/0";
    refuses(tree, "categories", "[1]", "trees[0]: asks for categories");
    refuses(tree, "left_children", "[0, -1, -1]", "trees[0].nodes[0]: leads to 0 and 2 of 3");
    refuses(tree, "right_children", "[9, -1, -1]", "trees[0].nodes[0]: leads to 1 and 9 of 3");
    refuses(tree, "default_left", "[0]", "trees[0]: columns of 3 and 1 nodes");
    refuses("/learner/gradient_booster/model", "trees", "[]", "trees: none");
    assertThatThrownBy(() -> XgboostTrees.read(folder))
        .hasMessageEndingWith("trees.ubj: the file is missing");
  }

  private static void refuses(String at, String field, String value, String message)
      throws IOException {
    JsonNode document = JSON.readTree(model());
    ((ObjectNode) document.at(at)).set(field, JSON.readTree(value));
    assertThatThrownBy(() -> XgboostTrees.of(document))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void aLeafOfNoNumberIsRefused() {
    assertThatThrownBy(
            () ->
                new TreeEnsemble(
                    1, 0, List.of(new Tree(List.of(new Node(-1, -1, false, 0, Float.NaN))))))
        .hasMessage("trees[0].nodes[0]: value NaN");
  }
}
