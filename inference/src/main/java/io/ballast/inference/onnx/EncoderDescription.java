package io.ballast.inference.onnx;

import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an encoder is, as it turned out when it was opened.
 *
 * @param classifier whether its numbers are a classifier's scores, not an embedding
 * @param width how many numbers a text has
 * @param maxTokens the longest text, special tokens included
 * @param pooling how the vectors of tokens become one, where the model leaves it to us
 * @param oneByOne whether texts run one by one, see {@link OnnxEncoder#oneByOne}
 */
public record EncoderDescription(
    boolean classifier, int width, int maxTokens, Optional<Pooling> pooling, boolean oneByOne) {
  private static final String KIND = "kind";
  private static final String ENCODER = "encoder";
  private static final String CLASSIFIER = "classifier";
  private static final String WIDTH = "width";
  private static final String MAX_TOKENS = "max_tokens";
  private static final String POOLING = "pooling";
  private static final String ONE_BY_ONE = "one_by_one";

  /** Returns it as a manifest's notes. */
  public SortedMap<String, String> notes() {
    SortedMap<String, String> notes = new TreeMap<>();
    notes.put(KIND, classifier ? CLASSIFIER : ENCODER);
    notes.put(WIDTH, Integer.toString(width));
    notes.put(MAX_TOKENS, Integer.toString(maxTokens));
    pooling.ifPresent(way -> notes.put(POOLING, way.code()));
    notes.put(ONE_BY_ONE, Boolean.toString(oneByOne));
    return notes;
  }

  /** Reads what {@link #notes} wrote; empty if notes are not of an encoder. */
  public static Optional<EncoderDescription> of(Map<String, String> notes) {
    String kind = notes.getOrDefault(KIND, "");
    try {
      return kind.equals(ENCODER) || kind.equals(CLASSIFIER)
          ? Optional.of(
              new EncoderDescription(
                  kind.equals(CLASSIFIER),
                  Integer.parseInt(notes.getOrDefault(WIDTH, "")),
                  Integer.parseInt(notes.getOrDefault(MAX_TOKENS, "")),
                  Pooling.ofCode(notes.getOrDefault(POOLING, "")),
                  Boolean.parseBoolean(notes.get(ONE_BY_ONE))))
          : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
