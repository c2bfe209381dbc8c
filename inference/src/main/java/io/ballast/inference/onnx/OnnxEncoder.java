package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import io.ballast.kit.call.Texts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

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
  /** How far a text's numbers may be from themselves in company, as a part of the largest. */
  private static final double LAST_BITS = 1e-5;

  private static final int PROBE_TOKENS = 5;
  private static final int PROBE_COMPANY_TOKENS = 23;

  private final EncoderFolder folder;
  private final EncoderOptions options;
  private final EncoderTokenizer tokenizer;
  private final EncoderRun model;
  private final boolean oneByOne;
  private final int width;

  private OnnxEncoder(
      EncoderFolder folder,
      EncoderOptions options,
      Optional<Pooling> wanted,
      EncoderTokenizer tokenizer,
      GuardedSession session) {
    this.folder = folder;
    this.options = options;
    this.tokenizer = tokenizer;
    this.model = new EncoderRun(folder, wanted, session);
    this.width = warmUp();
    this.oneByOne = quantizesActivations(folder) || dependsOnCompany();
  }

  /**
   * Opens a folder as it says itself, the other {@link #open} says how.
   *
   * @throws ModelException as the other
   */
  public static OnnxEncoder open(Path folder, EncoderOptions options) {
    return open(folder, options, Optional.empty());
  }

  /**
   * Opens a folder with model.onnx and tokenizer.json, and runs the model once on its shortest and
   * its longest text, so that the first caller does not pay for it, on the tokenizer's largest id,
   * and on one text alone and in company, to see whether its numbers depend on that.
   *
   * @param pooling how the numbers of tokens become a text's, where the model leaves that to us;
   *     empty: as the folder says; where it says nothing the mean of an encoder's vectors
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, the
   *     tokenizer has ids that the model has not, the model pools itself though {@code pooling} is
   *     given, or nobody says it of a classifier's scores of tokens; CORRUPT_WEIGHTS if a checksum
   *     differs, BROKEN if the engine refuses the model or the model says nothing finite of its
   *     first token
   */
  public static OnnxEncoder open(Path folder, EncoderOptions options, Optional<Pooling> pooling) {
    EncoderFolder files = EncoderFolder.read(folder);
    EncoderTokenizer tokenizer = EncoderTokenizer.open(files.tokenizer());
    try {
      GuardedSession session = new GuardedSession(files.model(), options.threads());
      try {
        return new OnnxEncoder(files, options, pooling, tokenizer, session);
      } catch (RuntimeException e) {
        session.close();
        throw e;
      }
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
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
    float[] values = model.run(List.of(shortest)).getFirst();
    int spoiled = notFinite(values);
    if (spoiled >= 0) {
      throw new ModelException(
          Reason.BROKEN,
          folder.model() + ": token 0: " + notFinite(values, spoiled) + " (expected: finite)");
    }
    model.run(List.of(new long[folder.maxTokens()]));
    requireLargestTokenId();
    return values.length;
  }

  /** Whether a short text's numbers change, or cannot be had, when a longer one shares its run. */
  private boolean dependsOnCompany() {
    long[] text = probe(Math.min(PROBE_TOKENS, folder.maxTokens()), 1);
    long[] company = probe(Math.min(PROBE_COMPANY_TOKENS, folder.maxTokens()), 2);
    float[] alone = model.run(List.of(text)).getFirst();
    float[] together;
    try {
      together = model.run(List.of(company, text, company)).get(1);
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
      model.run(List.of(new long[] {folder.largestTokenId()}));
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

  /** The largest id that the tokenizer may make; those up to it the model knows. */
  public int largestTokenId() {
    return folder.largestTokenId();
  }

  /** What it is, for people and manifests. */
  public EncoderDescription description() {
    return new EncoderDescription(
        model.scores(), width, folder.maxTokens(), model.pooling(), oneByOne);
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
    List<long[]> ids = tokenize(texts);
    List<Optional<Refusal>> refusals = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      refusals.add(refusal(texts.get(i), ids.get(i), i));
    }
    return encode(ids, refusals);
  }

  /**
   * Encodes texts that are tokens already, special ones included; one that cannot be encoded fails
   * alone.
   *
   * @return shape [N], in the order given
   * @throws ModelException as {@link #encode}
   */
  public List<EncodingOutcome> encodeTokens(List<TokenIds> texts) {
    List<long[]> ids =
        texts.stream().map(text -> Arrays.stream(text.toArray()).asLongStream().toArray()).toList();
    List<Optional<Refusal>> refusals = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      int index = i;
      refusals.add(countFlaw(ids.get(i).length, i).or(() -> unknown(ids.get(index), index)));
    }
    return encode(ids, refusals);
  }

  private Optional<Refusal> unknown(long[] ids, int index) {
    for (int t = 0; t < ids.length; t++) {
      if (ids[t] < 0 || ids[t] > folder.largestTokenId()) {
        return Optional.of(
            new Refusal(
                Refusal.Reason.INVALID_TOKEN,
                "texts[%d][%d]: %d (expected: 0 to %,d)"
                    .formatted(index, t, ids[t], folder.largestTokenId())));
      }
    }
    return Optional.empty();
  }

  /** Encodes the texts that are not refused. */
  private List<EncodingOutcome> encode(List<long[]> ids, List<Optional<Refusal>> refusals) {
    SortedMap<Integer, EncodingOutcome> outcomes = new TreeMap<>();
    List<long[]> tokens = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      if (refusals.get(i).isPresent()) {
        outcomes.put(i, refusals.get(i).get());
      } else {
        tokens.add(ids.get(i));
        places.add(i);
      }
    }
    for (List<Integer> batch : batches(tokens)) {
      List<float[]> values = model.run(batch.stream().map(tokens::get).toList());
      for (int b = 0; b < batch.size(); b++) {
        float[] own = values.get(b);
        if (batch.size() > 1 && notFinite(own) >= 0) {
          own = model.run(List.of(tokens.get(batch.get(b)))).getFirst(); // it may be of its company
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
    return model.whileOpen(
        () -> {
          List<long[]> ids = new ArrayList<>();
          for (int i = 0; i < texts.size(); i++) {
            boolean whole = flaw(texts.get(i), i).isEmpty();
            ids.add(whole ? tokenizer.encode(texts.get(i), true) : new long[0]);
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

  /** Frees the model after runs under way have ended. */
  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
