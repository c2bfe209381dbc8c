package io.ballast.inference.onnx;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import io.ballast.kit.call.Texts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Turns texts into vectors with somebody else's encoder in ONNX Runtime: a sentence encoder
 * (embeddings) or a sequence classifier (its scores before any softmax). Thread-safe.
 *
 * <p>Texts of many callers are laid into batches of like lengths. A text's numbers do not depend on
 * its company, but for the last bits of sums. Where they would, the model runs one text at a time:
 * a graph that quantises its activations as it goes takes their scale from the whole batch, one
 * without a mask sees padding, one in 16 bits rounds otherwise in products of another shape, and
 * one that was exported for a batch of one takes no company at all.
 */
public final class OnnxEncoder implements AutoCloseable {
  private static final String INPUT_IDS = "input_ids";
  private static final String ATTENTION_MASK = "attention_mask";
  private static final String TOKEN_TYPE_IDS = "token_type_ids";

  /** How far a text's numbers may be from themselves in company, as a part of the largest. */
  private static final double LAST_BITS = 1e-5;

  private static final int PROBE_TOKENS = 5;
  private static final int PROBE_COMPANY_TOKENS = 23;

  private static final Set<String> INPUTS = Set.of(INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS);

  /** What is read of a run, in the order in which it is looked for. */
  private enum Output {
    LOGITS("logits", 2),
    SENTENCE_EMBEDDING("sentence_embedding", 2),
    LAST_HIDDEN_STATE("last_hidden_state", 3),
    TOKEN_EMBEDDINGS("token_embeddings", 3);

    private final String label;
    private final int dimensions;

    Output(String label, int dimensions) {
      this.label = label;
      this.dimensions = dimensions;
    }
  }

  private final EncoderFolder folder;
  private final EncoderOptions options;
  private final HuggingFaceTokenizer tokenizer;
  private final GuardedSession session;
  private final Output output;
  private final boolean oneByOne;
  private final int width;

  private OnnxEncoder(
      EncoderFolder folder,
      EncoderOptions options,
      HuggingFaceTokenizer tokenizer,
      GuardedSession session) {
    this.folder = folder;
    this.options = options;
    this.tokenizer = tokenizer;
    this.session = session;
    this.output = output(folder, session);
    this.width = warmUp();
    this.oneByOne = quantizesActivations(folder) || dependsOnCompany();
  }

  /**
   * Opens a folder with model.onnx and tokenizer.json, and runs the model once on its shortest and
   * its longest text, so that the first caller does not pay for it, on the tokenizer's largest id,
   * and on one text alone and in company, to see whether its numbers depend on that.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, or the
   *     tokenizer has ids that the model has not, CORRUPT_WEIGHTS if a checksum differs, BROKEN if
   *     the engine refuses the model or the model says nothing finite of its first token
   */
  public static OnnxEncoder open(Path folder, EncoderOptions options) {
    EncoderFolder files = EncoderFolder.read(folder);
    HuggingFaceTokenizer tokenizer = tokenizer(files.tokenizer());
    try {
      GuardedSession session = new GuardedSession(files.model(), options.threads());
      try {
        return new OnnxEncoder(files, options, tokenizer, session);
      } catch (RuntimeException e) {
        session.close();
        throw e;
      }
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static HuggingFaceTokenizer tokenizer(Path file) {
    // the library would otherwise report its use over the network
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    try {
      // the file may say that texts are cut and padded: both are ours to decide
      return HuggingFaceTokenizer.newInstance(
          file, Map.of("truncation", "false", "padding", "false"));
    } catch (IOException | RuntimeException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  private static Output output(EncoderFolder folder, GuardedSession session) {
    Set<String> unknown = new TreeSet<>(session.inputs());
    unknown.removeAll(INPUTS);
    if (!unknown.isEmpty() || !session.inputs().contains(INPUT_IDS)) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          folder.model()
              + ": inputs "
              + new TreeSet<>(session.inputs())
              + " (expected: input_ids, and attention_mask and token_type_ids if need be)");
    }
    return Arrays.stream(Output.values())
        .filter(known -> session.outputs().contains(known.label))
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER,
                    folder.model()
                        + ": outputs "
                        + new TreeSet<>(session.outputs())
                        + " (expected: one of "
                        + Arrays.stream(Output.values()).map(known -> known.label).toList()
                        + ")"));
  }

  private static boolean quantizesActivations(EncoderFolder folder) {
    try {
      return OperatorNames.of(folder.model()).stream().anyMatch(name -> name.startsWith("Dynamic"));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, folder.model() + ": " + e.getMessage(), e);
    }
  }

  private int warmUp() {
    long[] shortest = {0};
    float[] values = run(List.of(shortest)).getFirst();
    int spoiled = notFinite(values);
    if (spoiled >= 0) {
      throw new ModelException(
          Reason.BROKEN,
          folder.model() + ": token 0: " + notFinite(values, spoiled) + " (expected: finite)");
    }
    run(List.of(new long[folder.maxTokens()]));
    requireLargestTokenId();
    return values.length;
  }

  /** Whether a short text's numbers change, or cannot be had, when a longer one shares its run. */
  private boolean dependsOnCompany() {
    long[] text = probe(Math.min(PROBE_TOKENS, folder.maxTokens()), 1);
    long[] company = probe(Math.min(PROBE_COMPANY_TOKENS, folder.maxTokens()), 2);
    float[] alone = run(List.of(text)).getFirst();
    float[] together;
    try {
      together = run(List.of(company, text, company)).get(1);
    } catch (ModelException e) {
      return true; // alone it runs, as it just did
    }
    double largest = 1;
    for (float value : alone) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int d = 0; d < alone.length; d++) {
      // one that is not finite is no sign of it: its text is refused alone as in company
      if (Float.isFinite(alone[d]) && !(Math.abs(alone[d] - together[d]) <= LAST_BITS * largest)) {
        return true;
      }
    }
    return false;
  }

  /** Ids from all over the vocabulary. */
  private long[] probe(int count, int seed) {
    long[] ids = new long[count];
    for (int t = 0; t < count; t++) {
      ids[t] = (seed + 7_919L * (t + 1) * seed) % (folder.largestTokenId() + 1L);
    }
    return ids;
  }

  private void requireLargestTokenId() {
    try {
      run(List.of(new long[] {folder.largestTokenId()}));
    } catch (ModelException e) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: id %,d is not one of the model's: %s"
              .formatted(folder.tokenizer(), folder.largestTokenId(), e.getMessage()),
          e);
    }
  }

  /** How many numbers a text has: the embedding's dimensions, or the classifier's classes. */
  public int width() {
    return width;
  }

  /** The longest text, special tokens included, in tokens. */
  public int maxTokens() {
    return folder.maxTokens();
  }

  /** What it is, for people and manifests. */
  public EncoderDescription description() {
    return new EncoderDescription(
        output == Output.LOGITS,
        width,
        folder.maxTokens(),
        output.dimensions == 3 ? Optional.of(folder.pooling()) : Optional.empty(),
        oneByOne);
  }

  /**
   * Whether texts run one by one: the model's numbers would depend on company, or it takes none.
   */
  public boolean oneByOne() {
    return oneByOne;
  }

  /**
   * Encodes every text; one that cannot be encoded fails alone.
   *
   * @return shape [N], in the order given
   * @throws ModelException CLOSED, or BROKEN if the engine fails
   */
  public List<EncodingOutcome> encode(List<String> texts) {
    SortedMap<Integer, EncodingOutcome> outcomes = new TreeMap<>();
    List<long[]> tokens = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    List<long[]> ids = tokenize(texts);
    for (int i = 0; i < texts.size(); i++) {
      Optional<Refusal> refusal = refusal(texts.get(i), ids.get(i), i);
      if (refusal.isPresent()) {
        outcomes.put(i, refusal.get());
      } else {
        tokens.add(ids.get(i));
        places.add(i);
      }
    }
    for (List<Integer> batch : batches(tokens)) {
      List<float[]> values = run(batch.stream().map(tokens::get).toList());
      for (int b = 0; b < batch.size(); b++) {
        float[] own = values.get(b);
        if (batch.size() > 1 && notFinite(own) >= 0) {
          own = run(List.of(tokens.get(batch.get(b)))).getFirst(); // it may be of its company
        }
        int place = places.get(batch.get(b));
        outcomes.put(place, outcome(own, place));
      }
    }
    return List.copyOf(outcomes.values());
  }

  /** Each text's ids; none for a text that has a flaw. */
  private List<long[]> tokenize(List<String> texts) {
    // the tokenizer's native memory lives as long as the session may be used
    return session.use(
        open -> {
          List<long[]> ids = new ArrayList<>();
          for (int i = 0; i < texts.size(); i++) {
            boolean whole = flaw(texts.get(i), i).isEmpty();
            ids.add(whole ? tokenizer.encode(texts.get(i)).getIds() : new long[0]);
          }
          return ids;
        });
  }

  private static Optional<Refusal> flaw(String text, int index) {
    if (text.isEmpty()) {
      return Optional.of(new Refusal(Refusal.Reason.EMPTY, "texts[" + index + "]: empty"));
    }
    return Optional.ofNullable(Texts.encodingFlaw(text))
        .map(flaw -> new Refusal(Refusal.Reason.INVALID_TOKEN, "texts[" + index + "]: " + flaw));
  }

  private Optional<Refusal> refusal(String text, long[] ids, int index) {
    return flaw(text, index).or(() -> countFlaw(ids.length, index));
  }

  private Optional<Refusal> countFlaw(int count, int index) {
    if (count == 0) {
      return Optional.of(new Refusal(Refusal.Reason.EMPTY, "texts[" + index + "]: no tokens"));
    }
    return count <= folder.maxTokens()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                Refusal.Reason.TOO_LONG,
                "texts[" + index + "]: " + count + " tokens, limit " + folder.maxTokens()));
  }

  private List<List<Integer>> batches(List<long[]> tokens) {
    if (oneByOne) {
      List<List<Integer>> single = new ArrayList<>();
      for (int i = 0; i < tokens.size(); i++) {
        single.add(List.of(i));
      }
      return single;
    }
    return TokenBatches.of(
        tokens.stream().mapToInt(ids -> ids.length).toArray(), options.batchTokens());
  }

  private static EncodingOutcome outcome(float[] values, int index) {
    int spoiled = notFinite(values);
    return spoiled < 0
        ? new Encoded(FeatureVector.of(values))
        : new Refusal(
            Refusal.Reason.NOT_FINITE,
            "texts[" + index + "]: " + notFinite(values, spoiled) + " (expected: finite)");
  }

  private static String notFinite(float[] values, int index) {
    return "values[" + index + "]: " + values[index];
  }

  /** The index of the first number that is not finite; −1 if all are. */
  private static int notFinite(float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        return i;
      }
    }
    return -1;
  }

  /** Runs the model on a batch, and returns each text's numbers. */
  private List<float[]> run(List<long[]> batch) {
    int longest = batch.stream().mapToInt(ids -> ids.length).max().orElseThrow();
    long[] shape = {batch.size(), longest};
    return session.use(
        open -> {
          Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
          try {
            inputs.put(INPUT_IDS, session.tensor(padded(batch, longest, false), shape));
            if (session.inputs().contains(ATTENTION_MASK)) {
              inputs.put(ATTENTION_MASK, session.tensor(padded(batch, longest, true), shape));
            }
            if (session.inputs().contains(TOKEN_TYPE_IDS)) {
              inputs.put(TOKEN_TYPE_IDS, session.tensor(longs(batch.size() * longest), shape));
            }
            try (OrtSession.Result result = open.run(inputs, Set.of(output.label))) {
              return values((OnnxTensor) result.get(output.label).orElseThrow(), batch);
            }
          } finally {
            inputs.values().forEach(OnnxTensor::close);
          }
        });
  }

  private static LongBuffer longs(int count) {
    return ByteBuffer.allocateDirect(count * Long.BYTES)
        .order(ByteOrder.nativeOrder())
        .asLongBuffer();
  }

  /** The ids, or a one for each of them, with zeros after them. */
  private static LongBuffer padded(List<long[]> batch, int longest, boolean mask) {
    LongBuffer buffer = longs(batch.size() * longest);
    for (int b = 0; b < batch.size(); b++) {
      for (int t = 0; t < batch.get(b).length; t++) {
        buffer.put(b * longest + t, mask ? 1 : batch.get(b)[t]);
      }
    }
    return buffer;
  }

  private List<float[]> values(OnnxTensor tensor, List<long[]> batch) throws OrtException {
    long[] shape = tensor.getInfo().getShape();
    if (shape.length != output.dimensions || shape[0] != batch.size()) {
      throw new ModelException(
          Reason.BROKEN,
          output.label
              + ": shape "
              + Arrays.toString(shape)
              + " (expected: "
              + output.dimensions
              + " dimensions, the first "
              + batch.size()
              + ")");
    }
    FloatBuffer all = tensor.getFloatBuffer();
    int size = (int) shape[shape.length - 1];
    int tokens = output.dimensions == 3 ? (int) shape[1] : 1;
    List<float[]> values = new ArrayList<>();
    for (int b = 0; b < batch.size(); b++) {
      int own =
          output.dimensions == 3 && folder.pooling() == Pooling.MEAN ? batch.get(b).length : 1;
      double[] mean = mean(all, b * tokens * size, own, size);
      values.add(output == Output.LOGITS || !folder.normalized() ? floats(mean) : unit(mean));
    }
    return values;
  }

  private static double[] mean(FloatBuffer all, int from, int count, int size) {
    double[] mean = new double[size];
    for (int t = 0; t < count; t++) {
      for (int d = 0; d < size; d++) {
        mean[d] += all.get(from + t * size + d);
      }
    }
    for (int d = 0; d < size; d++) {
      mean[d] /= count;
    }
    return mean;
  }

  /** Scales to length 1; a vector of zeros has none and stays as it is. */
  private static float[] unit(double[] vector) {
    double length = Math.sqrt(Arrays.stream(vector).map(v -> v * v).sum());
    return floats(length == 0 ? vector : Arrays.stream(vector).map(v -> v / length).toArray());
  }

  private static float[] floats(double[] vector) {
    float[] floats = new float[vector.length];
    for (int d = 0; d < floats.length; d++) {
      floats[d] = (float) vector[d];
    }
    return floats;
  }

  /** Frees the model after runs under way have ended. */
  @Override
  public void close() {
    session.close();
    tokenizer.close();
  }
}
