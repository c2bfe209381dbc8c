package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An encoder says the same of a text whatever it is encoded with. The small one is made here, of
 * one layer of attention; the real one is all-MiniLM-L6-v2 with 8-bit weights.
 */
class OnnxEncoderTest {
  private static final int WORDS = SmallEncoder.WORDS;
  private static final int WIDTH = SmallEncoder.WIDTH;

  @TempDir Path folder;

  @Test
  void embeddingsEqualPlainLoopsWhateverTheyAreBatchedWith() throws IOException {
    double[][] table = SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    List<int[]> texts = new ArrayList<>();
    RandomGenerator random = new SplittableRandom(3);
    for (int i = 0; i < 40; i++) {
      texts.add(random.ints(random.nextInt(1, 12), 0, WORDS).toArray());
    }
    for (int budget : new int[] {1, 16, 10_000}) {
      try (OnnxEncoder encoder = OnnxEncoder.open(folder, new EncoderOptions(budget, 1))) {
        assertThat(encoder.oneByOne()).isFalse();
        assertThat(encoder.width()).isEqualTo(WIDTH);
        List<EncodingOutcome> outcomes =
            encoder.encode(texts.stream().map(OnnxEncoderTest::words).toList());
        for (int i = 0; i < texts.size(); i++) {
          double[] expected = unitMeanOfAttention(table, texts.get(i));
          for (int d = 0; d < WIDTH; d++) {
            assertThat(values(outcomes.get(i))[d]).isCloseTo((float) expected[d], within(1e-5f));
          }
        }
      }
    }
  }

  @Test
  void aTextThatCannotBeEncodedFailsAlone() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    Files.writeString(folder.resolve("config.json"), "{\"max_position_embeddings\": 4}");
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      List<EncodingOutcome> outcomes =
          encoder.encode(List.of("w1", "", "w1 w2 w3 w4 w5", "w2 \ud800", "w1"));
      assertThat(outcomes.get(1)).isEqualTo(new Refusal(Refusal.Reason.EMPTY, "texts[1]: empty"));
      assertThat(outcomes.get(2))
          .isEqualTo(new Refusal(Refusal.Reason.TOO_LONG, "texts[2]: 5 tokens, limit 4"));
      assertThat(outcomes.get(3))
          .isEqualTo(
              new Refusal(
                  Refusal.Reason.INVALID_TOKEN,
                  "texts[3]: character 3 is a lone surrogate (expected: valid UTF-8)"));
      assertThat(values(outcomes.get(4))).isEqualTo(values(outcomes.get(0)));
    }
  }

  @Test
  void aTextWithoutTokensIsEmpty() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      List<EncodingOutcome> outcomes = encoder.encode(List.of("w1", " \n"));

      assertThat(outcomes.get(0)).isInstanceOf(Encoded.class);
      assertThat(outcomes.get(1))
          .isEqualTo(new Refusal(Refusal.Reason.EMPTY, "texts[1]: no tokens"));
    }
  }

  @Test
  void aClosedEncoderSaysSoBeforeItLooksAtTexts() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults());
    encoder.close();

    for (String text : List.of("w1", "")) {
      assertThatThrownBy(() -> encoder.encode(List.of(text)))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CLOSED));
    }
  }

  @Test
  void aNumberThatIsNotFiniteIsNoEmbedding() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.POSITIVE_INFINITY);
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      List<EncodingOutcome> outcomes = encoder.encode(List.of("w1", "w7", "w1 w2"));
      assertThat(outcomes.get(1))
          .isEqualTo(
              new Refusal(
                  Refusal.Reason.NOT_FINITE, "texts[1]: values[0]: NaN (expected: finite)"));
      for (int i : new int[] {0, 2}) {
        String text = List.of("w1", "w7", "w1 w2").get(i);
        EncodingOutcome alone = encoder.encode(List.of(text)).getFirst();
        assertThat(values(outcomes.get(i))).containsExactly(values(alone), within(1e-6f));
      }
    }
  }

  @Test
  void aFileCutAnywhereIsNoModel() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    Path model = folder.resolve("model.onnx");
    byte[] whole = Files.readAllBytes(model);
    for (int length = 0; length < whole.length; length += 1 + length / 12) {
      Files.write(model, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isIn(Reason.INVALID_FOLDER, Reason.BROKEN))
          .hasMessageContaining("model.onnx: ");
    }
    Files.write(model, whole);
    OnnxEncoder.open(folder, EncoderOptions.defaults()).close();
  }

  @Test
  void aTokenizerOfAnotherVocabularyIsRefusedWhenTheFolderIsOpened() throws IOException {
    SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    Path tokenizer = folder.resolve("tokenizer.json");
    String own = Files.readString(tokenizer);
    for (String other :
        List.of(
            own.replace("\"w1\": 1,", "\"w1\": 1, \"one too many\": 20,"),
            own.replace(
                "\"added_tokens\": []",
                """
                "added_tokens": [{"id": 20, "content": "<pad>", "single_word": false,
                  "lstrip": false, "rstrip": false, "normalized": false, "special": true}]"""))) {
      assertThat(other).isNotEqualTo(own);
      Files.writeString(tokenizer, other);
      assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
          .hasMessageContaining("tokenizer.json: id 20 is not one of the model's: ");
    }
    Files.writeString(tokenizer, own);
    OnnxEncoder.open(folder, EncoderOptions.defaults()).close();
  }

  @Test
  void aModelThatSaysNothingFiniteIsRefusedWhenTheFolderIsOpened() throws IOException {
    classifier(folder, 0);
    assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageEndingWith("model.onnx: token 0: values[1]: NaN (expected: finite)");
  }

  @Test
  void aClassifierRefusesATextThatMeetsANanWeightAloneThoughItSharesABatch() throws IOException {
    classifier(folder, 7);
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      assertThat(encoder.width()).isEqualTo(2);
      List<EncodingOutcome> outcomes = encoder.encode(List.of("w1", "w7", "w2 w3"));
      assertThat(outcomes.get(1))
          .isEqualTo(
              new Refusal(
                  Refusal.Reason.NOT_FINITE, "texts[1]: values[1]: NaN (expected: finite)"));
      assertThat(values(outcomes.get(0))).containsExactly(1, -1);
      assertThat(values(outcomes.get(2))).containsExactly(5, -5);
    }
  }

  /**
   * Writes a classifier whose two scores are the sum of its words' numbers, and the negative of it:
   * word w has the number w. The negative of one word is NaN. Each text reads what stands beside it
   * too, times zero, as packed or padded texts do.
   */
  private static void classifier(Path folder, int spoiled) throws IOException {
    var unused = SmallEncoder.write(folder, "last_hidden_state", Double.NaN); // its tokenizer
    float[] table = new float[WORDS * 2];
    for (int w = 0; w < WORDS; w++) {
      table[2 * w] = w;
      table[2 * w + 1] = w == spoiled ? Float.NaN : -w;
    }
    OnnxGraph graph = new OnnxGraph("classifier");
    String ids = graph.input("input_ids", DataType.INT64, "B", "T");
    String scores = graph.sum(graph.gather(graph.weight("words", table, WORDS, 2), ids), 1, false);
    String company = graph.apply("Mul", graph.sum(scores, 0, true), graph.scalar("nothing", 0));
    graph.output("logits", graph.apply("Add", scores, company), "B", "2");
    SmallEncoder.write(folder.resolve("model.onnx"), graph.model());
  }

  @Test
  void aModelForABatchOfOneServesTextsOneByOne() throws IOException {
    double[][] table = SmallEncoder.write(folder, "last_hidden_state", Double.NaN);
    float[] flat = new float[WORDS * WIDTH];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) table[i / WIDTH][i % WIDTH];
    }
    OnnxGraph graph = new OnnxGraph("single");
    String ids = graph.input("input_ids", DataType.INT64, "1", "T");
    graph.output(
        "last_hidden_state",
        graph.gather(graph.weight("words", flat, WORDS, WIDTH), ids),
        "1",
        "T",
        "3");
    SmallEncoder.write(folder.resolve("model.onnx"), graph.model());
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      assertThat(encoder.oneByOne()).isTrue();
      List<EncodingOutcome> outcomes = encoder.encode(List.of("w1", "w2 w2 w2", "w3"));
      for (int i = 0; i < outcomes.size(); i++) {
        double[] row = table[i + 1];
        double length = Math.sqrt(dot(row, row));
        for (int d = 0; d < WIDTH; d++) {
          assertThat(values(outcomes.get(i))[d])
              .isCloseTo((float) (row[d] / length), within(1e-5f));
        }
      }
    }
  }

  @Test
  void aModelOfAnotherKindIsRefusedByWhatItHas() throws IOException {
    SmallEncoder.write(folder, "boxes", Double.NaN);
    assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith(
            "outputs [boxes] (expected: one of"
                + " [logits, sentence_embedding, last_hidden_state, token_embeddings])");
    Files.writeString(folder.resolve("model.onnx"), "no model");
    assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("model.onnx");
    Files.delete(folder.resolve("tokenizer.json"));
    assertThatThrownBy(() -> OnnxEncoder.open(folder, EncoderOptions.defaults()))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("tokenizer.json: the file is missing");
  }

  @Test
  void aRealEncoderWithEightBitWeightsSaysTheSameAloneAndInCompany() throws Exception {
    copy("/all-minilm-l6-v2-q.onnx", folder.resolve("model.onnx"));
    copy("/all-minilm-l6-v2-q-tokenizer.json", folder.resolve("tokenizer.json"));
    List<String> texts =
        List.of(
            "A cat sits on the mat.",
            "A feline rests on a rug.",
            "The compiler reports an unresolved symbol in the linked object file.");
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      // it takes the scale of its activations from the whole batch: in one batch these three
      // differ from themselves by 0.02
      assertThat(encoder.oneByOne()).isTrue();
      assertThat(encoder.width()).isEqualTo(384);
      List<EncodingOutcome> together = encoder.encode(texts);
      for (int i = 0; i < texts.size(); i++) {
        EncodingOutcome alone = encoder.encode(List.of(texts.get(i))).getFirst();
        assertThat(values(together.get(i))).isEqualTo(values(alone));
      }
      // what onnxruntime 1.32 and tokenizers in Python say, one text at a time; a last bit that
      // rounds to another eighth bit moves a number by up to 0.005
      float[] expected = {0.1161f, -0.0212f, -0.0316f, 0.0320f};
      for (int d = 0; d < expected.length; d++) {
        assertThat(values(together.getFirst())[d]).isCloseTo(expected[d], within(5e-3f));
      }
      assertThat(dot(together.get(0), together.get(1))).isCloseTo(0.575, within(0.02));
      assertThat(dot(together.get(0), together.get(2))).isCloseTo(0.041, within(0.02));
      assertThat(dot(together.get(0), together.get(0))).isCloseTo(1, within(1e-6));
      assertManyThreadsAgree(encoder, texts.getFirst(), values(together.getFirst()));
    }
  }

  private static void assertManyThreadsAgree(OnnxEncoder encoder, String text, float[] expected)
      throws Exception {
    Callable<List<EncodingOutcome>> work = () -> encoder.encode(List.of(text));
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (Future<List<EncodingOutcome>> done :
          threads.invokeAll(List.of(work, work, work, work, work, work, work, work))) {
        assertThat(values(done.get().getFirst())).isEqualTo(expected);
      }
    }
  }

  private static double[] unitMeanOfAttention(double[][] table, int[] words) {
    double[] mean = new double[WIDTH];
    for (int query : words) {
      double total = 0;
      double[] weighted = new double[WIDTH];
      for (int key : words) {
        double weight = Math.exp(dot(table[query], table[key]));
        total += weight;
        for (int d = 0; d < WIDTH; d++) {
          weighted[d] += weight * table[key][d];
        }
      }
      for (int d = 0; d < WIDTH; d++) {
        mean[d] += weighted[d] / total / words.length;
      }
    }
    double length = Math.sqrt(dot(mean, mean));
    for (int d = 0; d < WIDTH; d++) {
      mean[d] /= length;
    }
    return mean;
  }

  private static double dot(double[] a, double[] b) {
    double dot = 0;
    for (int d = 0; d < a.length; d++) {
      dot += a[d] * b[d];
    }
    return dot;
  }

  private static double dot(EncodingOutcome a, EncodingOutcome b) {
    double dot = 0;
    for (int d = 0; d < values(a).length; d++) {
      dot += (double) values(a)[d] * values(b)[d];
    }
    return dot;
  }

  private static String words(int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(text.isEmpty() ? "w" : " w").append(id);
    }
    return text.toString();
  }

  private static float[] values(EncodingOutcome outcome) {
    return ((Encoded) outcome).values().toArray();
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(OnnxEncoderTest.class.getResourceAsStream(resource), resource)) {
      Files.copy(in, file);
    }
  }
}
