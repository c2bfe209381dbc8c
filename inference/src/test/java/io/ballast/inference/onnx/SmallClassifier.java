package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A classifier of words w0, w1, … that a person can compute: a text's outputs are the sums of its
 * words' numbers, of word w and output k {@link #number}.
 */
public final class SmallClassifier {
  /** How many words there are. */
  public static final int WORDS = 20;

  private SmallClassifier() {}

  /** What word {@code word} adds to output {@code label}. */
  public static float number(int word, int label) {
    return (word * 7 + label * 3) % 11 - 5;
  }

  /** Writes model.onnx, tokenizer.json and a config.json with the labels' names. */
  public static Path write(Path folder, String... labels) throws IOException {
    return write(folder, false, -1, labels);
  }

  /** The same with outputs for each token: nothing is summed. */
  public static Path writeOfTokens(Path folder, String... labels) throws IOException {
    return write(folder, true, -1, labels);
  }

  /** The same as {@link #write} with a word whose numbers are NaN. */
  public static Path writeSpoiled(Path folder, int word, String... labels) throws IOException {
    return write(folder, false, word, labels);
  }

  private static Path write(Path folder, boolean ofTokens, int spoiled, String... labels)
      throws IOException {
    Files.createDirectories(folder);
    float[] table = new float[WORDS * labels.length];
    for (int w = 0; w < WORDS; w++) {
      for (int k = 0; k < labels.length; k++) {
        table[w * labels.length + k] = w == spoiled ? Float.NaN : number(w, k);
      }
    }
    OnnxGraph graph = new OnnxGraph("classifier");
    String ids = graph.input("input_ids", DataType.INT64, "B", "T");
    String mask = graph.input("attention_mask", DataType.INT64, "B", "T");
    String words = graph.gather(graph.weight("words", table, WORDS, labels.length), ids);
    String width = Integer.toString(labels.length);
    if (ofTokens) {
      graph.output("logits", words, "B", "T", width);
    } else {
      String seen =
          graph.apply(
              "Where",
              graph.apply("Cast", List.of(OnnxGraph.attribute("to", 9)), graph.unsqueeze(mask, 2)),
              words,
              graph.scalar("nothing", 0));
      graph.output("logits", graph.sum(seen, 1, false), "B", width);
    }
    SmallEncoder.write(folder.resolve("model.onnx"), graph.model());
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "w1", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"w1": {"id": "w1", "ids": [1], "tokens": ["w1"]}}},
         "decoder": null,
         "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "w0"}}
        """
            .formatted(
                IntStream.range(0, WORDS)
                    .mapToObj(w -> "\"w%d\": %d".formatted(w, w))
                    .collect(Collectors.joining(", "))));
    Files.writeString(
        folder.resolve("config.json"),
        "{\"model_type\": \"bert\", \"max_position_embeddings\": 16, \"id2label\": {%s}}"
            .formatted(
                IntStream.range(0, labels.length)
                    .mapToObj(k -> "\"%d\": \"%s\"".formatted(k, labels[k]))
                    .collect(Collectors.joining(", "))));
    return folder;
  }
}
