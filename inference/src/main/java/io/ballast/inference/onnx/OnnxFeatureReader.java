package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.kit.digest.Sha256;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what heads are trained on: each completion's features under a frozen decoder, by the same
 * graph that will score. Thread-safe.
 */
public final class OnnxFeatureReader implements AutoCloseable {
  private final List<ScoringFeature> features;
  private final TrunkFolder trunk;
  private final PackedSession session;

  private OnnxFeatureReader(
      List<ScoringFeature> features, TrunkFolder trunk, PackedSession session) {
    this.features = List.copyOf(features);
    this.trunk = trunk;
    this.session = session;
  }

  /**
   * Opens a decoder's folder.
   *
   * @param trunk the decoder's Hugging Face folder
   * @param features what to read, in order
   * @param cache a folder for the ONNX file, created if absent
   * @param threads of one call, ≥ 1
   * @throws ModelException INVALID_FOLDER if a file or tensor is missing or is not what it should
   *     be; CORRUPT_WEIGHTS if a checksum differs
   */
  public static OnnxFeatureReader open(
      Path trunk, List<ScoringFeature> features, Path cache, int threads) {
    TrunkFolder decoder = TrunkFolder.open(trunk);
    Path file =
        TritonEntry.prepare(
            cache,
            "features",
            Sha256.of(ScoringGraph.VERSION + decoder.config() + decoder.weightsSha256() + features),
            () -> ScoringGraph.buildFeatures(trunk, decoder.config(), features));
    return new OnnxFeatureReader(
        features, decoder, new PackedSession(file, OnnxScorer.packing(decoder), threads));
  }

  /** The number of features, F. */
  public int featureCount() {
    return ScoringFeature.width(features, trunk.config().hiddenSize());
  }

  /** What is read, in order. */
  public List<ScoringFeature> features() {
    return features;
  }

  /**
   * Returns the decoder as heads refer to it, with the checksums of its tokenizer and template as
   * they are now.
   *
   * @param model its name
   */
  public TrunkReference reference(String model, String version) {
    return new TrunkReference(model, version, trunk.weightsSha256(), TrunkText.of(trunk.folder()));
  }

  /** The SHA-256 of the decoder's weights, lower-case hexadecimal. */
  public String trunkWeightsSha256() {
    return trunk.weightsSha256();
  }

  /**
   * Returns what a scorer on this trunk computes together of a group: how much of the prompt each
   * completion is seen with. A completion that is refused is in no row.
   */
  public List<ScoringRow> rows(ScoringGroup group) {
    return new RowPacker(OnnxScorer.packing(trunk)).rows(group);
  }

  /**
   * Reads every completion's features; one that cannot be read fails alone.
   *
   * @return shape [groups][completions of each], in the order given
   * @throws ModelException CLOSED, or BROKEN if the engine fails
   */
  public List<List<FeatureOutcome>> read(List<ScoringGroup> groups) {
    List<List<FeatureOutcome>> padded =
        session.each(
            groups,
            List.of(ScoringGraph.FEATURES, ScoringGraph.LOG_PROBS),
            refusal -> refusal,
            values -> outcome(values[0], values[1]));
    List<List<FeatureOutcome>> result = new ArrayList<>();
    for (int g = 0; g < padded.size(); g++) {
      List<FeatureOutcome> row = new ArrayList<>();
      for (int i = 0; i < padded.get(g).size(); i++) {
        row.add(withoutPadding(padded.get(g).get(i), groups.get(g).completions().get(i).size()));
      }
      result.add(row);
    }
    return result;
  }

  private static FeatureOutcome outcome(float[] features, float[] logProbs) {
    for (int i = 0; i < features.length; i++) {
      if (!Float.isFinite(features[i])) {
        return new Refusal(
            Refusal.Reason.NOT_FINITE,
            "features[" + i + "]: " + features[i] + " (expected: finite)");
      }
    }
    return new FeatureOutcome.Extracted(FeatureVector.of(features), PerToken.of(logProbs));
  }

  private static FeatureOutcome withoutPadding(FeatureOutcome outcome, int tokens) {
    return switch (outcome) {
      case Refusal refusal -> refusal;
      case FeatureOutcome.Extracted e ->
          new FeatureOutcome.Extracted(
              e.features(), PerToken.of(Arrays.copyOf(e.logProbs().toArray(), tokens)));
    };
  }

  @Override
  public void close() {
    session.close();
  }
}
