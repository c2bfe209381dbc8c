package io.ballast.inference.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Runs an encoder's graph on batches of tokens, padded to one length, and makes one vector of
 * numbers a text of what it gives. Thread-safe.
 */
final class EncoderRun implements AutoCloseable {
  private static final String INPUT_IDS = "input_ids";
  private static final String ATTENTION_MASK = "attention_mask";
  private static final String TOKEN_TYPE_IDS = "token_type_ids";

  private static final Set<String> INPUTS = Set.of(INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS);

  /** Dimensions of what a run gives: texts by numbers, or texts by tokens by numbers. */
  private static final int OF_TEXTS = 2;

  private static final int OF_TOKENS = 3;

  /** What is read of a run, in the order in which it is looked for. */
  private enum Output {
    LOGITS("logits", OF_TEXTS),
    SENTENCE_EMBEDDING("sentence_embedding", OF_TEXTS),
    LAST_HIDDEN_STATE("last_hidden_state", OF_TOKENS),
    TOKEN_EMBEDDINGS("token_embeddings", OF_TOKENS);

    private final String label;
    private final int dimensions;

    Output(String label, int dimensions) {
      this.label = label;
      this.dimensions = dimensions;
    }
  }

  private final EncoderFolder folder;
  private final GuardedSession session;
  private final Output output;
  private final int dimensions;
  private final Pooling pooling;

  /**
   * @param wanted how the numbers of tokens become a text's; empty: as the folder says, and where
   *     it says nothing the mean of an encoder's vectors
   * @param session closed with this
   * @throws ModelException INVALID_FOLDER if the graph has other inputs or outputs than encoders
   *     have, pools itself though {@code wanted} is given, or is a classifier of tokens and nobody
   *     says which of them count: that is not guessed
   */
  EncoderRun(EncoderFolder folder, Optional<Pooling> wanted, GuardedSession session) {
    this.folder = folder;
    this.session = session;
    this.output = output(folder, session);
    this.dimensions = dimensions(session, output);
    if (wanted.isPresent() && dimensions != OF_TOKENS) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: pooling: %s (expected: none, for the model's %s are of whole texts)"
              .formatted(folder.model(), wanted.get().code(), output.label));
    }
    Optional<Pooling> said = wanted.or(folder::pooling);
    if (said.isEmpty() && output == Output.LOGITS && dimensions == OF_TOKENS) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          folder.model()
              + ": pooling: nobody says it (expected: mean, cls or last, as it was trained, for the"
              + " model's logits are of tokens)");
    }
    this.pooling = said.orElse(Pooling.MEAN);
  }

  /** A classifier's scores may be of texts or, as of a value head, of each of their tokens. */
  private static int dimensions(GuardedSession session, Output output) {
    return output == Output.LOGITS && session.dimensions(output.label) == OF_TOKENS
        ? OF_TOKENS
        : output.dimensions;
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

  /** Whether its numbers are a classifier's scores, not an embedding. */
  boolean scores() {
    return output == Output.LOGITS;
  }

  /** How the numbers of tokens become a text's; empty where the graph does that. */
  Optional<Pooling> pooling() {
    return dimensions == OF_TOKENS ? Optional.of(pooling) : Optional.empty();
  }

  /**
   * Does something that needs the model open.
   *
   * @throws ModelException CLOSED
   */
  <T> T whileOpen(Supplier<T> use) {
    return session.use(open -> use.get());
  }

  /** Runs the model on a batch, and returns each text's numbers. */
  List<float[]> run(List<long[]> batch) {
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
    if (shape.length != dimensions || shape[0] != batch.size()) {
      throw new ModelException(
          Reason.BROKEN,
          output.label
              + ": shape "
              + Arrays.toString(shape)
              + " (expected: "
              + dimensions
              + " dimensions, the first "
              + batch.size()
              + ")");
    }
    FloatBuffer all = tensor.getFloatBuffer();
    int size = (int) shape[shape.length - 1];
    int tokens = dimensions == OF_TOKENS ? (int) shape[1] : 1;
    List<float[]> values = new ArrayList<>();
    for (int b = 0; b < batch.size(); b++) {
      int length = dimensions == OF_TOKENS ? batch.get(b).length : 1;
      int first = pooling == Pooling.LAST_TOKEN ? length - 1 : 0;
      int own = pooling == Pooling.MEAN ? length : 1;
      double[] mean = mean(all, (b * tokens + first) * size, own, size);
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
  }
}
