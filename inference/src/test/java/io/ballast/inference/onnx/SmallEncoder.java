package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** An encoder of one layer of attention, small enough to compute by hand-written loops. */
final class SmallEncoder {
  static final int WORDS = 20;
  static final int WIDTH = 3;

  private SmallEncoder() {}

  /**
   * Writes an encoder of {@code WORDS} words w0, w1, …, each a row of the returned table: every
   * token becomes the mean of all tokens, weighted by the softmax of their products with it.
   *
   * @param seventh what the first number of w7 is; NaN for a random one like all others
   */
  static double[][] write(Path folder, String output, double seventh) throws IOException {
    return write(folder, output, seventh, true);
  }

  /**
   * Writes the same.
   *
   * @param masked whether padding is hidden from words; without a mask they see it as w0
   */
  static double[][] write(Path folder, String output, boolean masked) throws IOException {
    return write(folder, output, Double.NaN, masked);
  }

  private static double[][] write(Path folder, String output, double seventh, boolean masked)
      throws IOException {
    RandomGenerator random = new SplittableRandom(8);
    double[][] table = new double[WORDS][WIDTH];
    float[] flat = new float[WORDS * WIDTH];
    StringBuilder vocabulary = new StringBuilder();
    for (int w = 0; w < WORDS; w++) {
      for (int d = 0; d < WIDTH; d++) {
        flat[w * WIDTH + d] = (float) random.nextGaussian();
      }
      if (w == 7 && !Double.isNaN(seventh)) {
        flat[w * WIDTH] = (float) seventh;
      }
      for (int d = 0; d < WIDTH; d++) {
        table[w][d] = flat[w * WIDTH + d];
      }
      vocabulary.append(w == 0 ? "" : ", ").append("\"w%d\": %d".formatted(w, w));
    }
    OnnxGraph graph = new OnnxGraph("small");
    String ids = graph.input("input_ids", DataType.INT64, "B", "T");
    String tokens = graph.gather(graph.weight("words", flat, WORDS, WIDTH), ids);
    String products = graph.apply("MatMul", tokens, graph.transpose(tokens, 0, 2, 1));
    String weights =
        graph.apply(
            "Softmax",
            List.of(OnnxGraph.attribute("axis", -1)),
            masked ? graph.apply("Add", products, hidden(graph)) : products);
    graph.output(output, graph.apply("MatMul", weights, tokens), "B", "T", "3");
    write(folder.resolve("model.onnx"), graph.model());
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version": "1.0", "truncation": {"direction": "Right", "max_length": 2,
           "strategy": "LongestFirst", "stride": 0},
         "padding": null, "added_tokens": [], "normalizer": null,
         "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "w0"}}
        """
            .formatted(vocabulary));
    return table;
  }

  /** What is added to the products: nothing, or so little for padding that its weight is 0. */
  private static String hidden(OnnxGraph graph) {
    String mask = graph.input("attention_mask", DataType.INT64, "B", "T");
    String seen =
        graph.apply("Cast", List.of(OnnxGraph.attribute("to", DataType.FLOAT.getNumber())), mask);
    return graph.apply(
        "Mul",
        graph.apply("Sub", graph.unsqueeze(seen, 1), graph.scalar("one", 1)),
        graph.scalar("far", 1e9));
  }

  static void write(Path file, ModelProto model) throws IOException {
    try (var out = Files.newOutputStream(file)) {
      model.writeTo(out);
    }
  }
}
