package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.digest.Sha256;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Scores completions with K heads on one frozen decoder, in ONNX Runtime.
 *
 * <p>Completions of one prompt share its computation; groups are packed into rows, rows into runs.
 * A completion's score does not depend on what it is scored with. A prompt that does not fit the
 * context together with a completion is cut from the left; a completion is never cut. Thread-safe.
 */
public final class OnnxScorer implements CompletionScorer {
  private static final int WARM_TOKENS = 512;
  private static final float[] NONE = {};

  private final ScoringSpec spec;
  private final PackedSession session;

  private OnnxScorer(ScoringSpec spec, PackedSession session) {
    this.spec = spec;
    this.session = session;
  }

  /**
   * Opens a scoring model. At the first start its ONNX file is written into {@code cache}, which is
   * a Triton model repository; afterwards it is reused until a weight changes.
   *
   * @param trunk the decoder's Hugging Face folder
   * @param scoring the heads' folder, {@code <name>/<version>}
   * @param cache created if absent
   * @param threads of one call, ≥ 1
   * @throws ModelException INVALID_FOLDER if a file or tensor is missing or is not what it should
   *     be, or the heads stand on another trunk; CORRUPT_WEIGHTS if a checksum differs, that of the
   *     trunk's tokenizer or chat template too; BROKEN if its {@link GoldenScores} do not come out
   *     again
   */
  public static OnnxScorer open(Path trunk, Path scoring, Path cache, int threads) {
    TrunkFolder decoder = TrunkFolder.open(trunk);
    ScoringModel model = model(decoder, scoring);
    ScoringSpec spec = model.spec();
    Path file =
        TritonEntry.prepare(
            cache,
            entryName(scoring),
            source(decoder, scoring, spec),
            () -> ScoringGraph.build(trunk, decoder.config(), scoring, model));
    OnnxScorer scorer = warmed(spec, new PackedSession(file, packing(decoder), threads));
    try {
      GoldenScores.read(scoring).ifPresent(golden -> golden.check(scorer, scoring));
      return scorer;
    } catch (RuntimeException e) {
      scorer.close();
      throw e;
    }
  }

  /**
   * Runs the model on the shortest row and on a long one, of the context or {@value #WARM_TOKENS}
   * tokens, so that the first caller does not pay for what they set up.
   */
  static OnnxScorer warmed(ScoringSpec spec, PackedSession session) {
    OnnxScorer scorer = new OnnxScorer(spec, session);
    try {
      TokenIds any = TokenIds.of(0);
      int room = Math.min(session.contextTokens(), WARM_TOKENS) - 1;
      for (TokenIds prompt : List.of(any, TokenIds.of(new int[room]))) {
        List<List<ScoreOutcome>> unused =
            scorer.score(List.of(new ScoringGroup(prompt, List.of(any))));
      }
      return scorer;
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  /** Reads heads that stand on {@code decoder}. */
  static ScoringModel model(TrunkFolder decoder, Path scoring) {
    ScoringModel model = ScoringModelFolder.read(scoring, decoder.config().hiddenSize());
    ScoringSpec spec = model.spec();
    if (!spec.trunk().weightsSha256().equals(decoder.weightsSha256())) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          scoring
              + ": trunk.weights_sha256 "
              + spec.trunk().weightsSha256()
              + " (expected: that of "
              + decoder.folder()
              + ", "
              + decoder.weightsSha256()
              + ")");
    }
    spec.trunk().text().ifPresent(text -> text.require(decoder.folder(), scoring.toString()));
    if (spec.ownBlocks() > decoder.config().layers()) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: own_blocks: %d (expected: at most %d, the trunk's)"
              .formatted(scoring, spec.ownBlocks(), decoder.config().layers()));
    }
    return model;
  }

  static PackingOptions packing(TrunkFolder decoder) {
    return PackingOptions.of(decoder.config().contextTokens(), decoder.config().vocabularySize());
  }

  /** {@code models/java-reward/2} becomes {@code java-reward-2}. */
  private static String entryName(Path scoring) {
    Path absolute = scoring.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    String name =
        (parent == null || parent.getFileName() == null ? "" : parent.getFileName() + "-")
            + absolute.getFileName();
    return name.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  private static String source(TrunkFolder decoder, Path scoring, ScoringSpec spec) {
    Map<String, String> checksums =
        ModelManifest.read(scoring)
            .map(ModelManifest::checksums)
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER,
                        scoring.resolve(ModelManifest.FILE) + ": the file is missing"));
    return Sha256.of(
        ScoringGraph.VERSION
            + decoder.config()
            + decoder.weightsSha256()
            + spec.kind()
            + new TreeMap<>(checksums));
  }

  @Override
  public ScoringSpec spec() {
    return spec;
  }

  /** The most tokens of a prompt with one completion. */
  public int contextTokens() {
    return session.contextTokens();
  }

  @Override
  public List<List<ScoreOutcome>> score(List<ScoringGroup> groups) {
    return spec.objectives().isEmpty()
        ? session.each(
            groups,
            List.of(ScoringGraph.SCORES),
            refusal -> refusal,
            values -> ScoreOutcome.of(spec, values[0], NONE, 0))
        : session.each(
            groups,
            List.of(ScoringGraph.SCORES, ScoringGraph.OBJECTIVES),
            refusal -> refusal,
            values -> ScoreOutcome.of(spec, values[0], values[1], 0));
  }

  @Override
  public void close() {
    session.close();
  }
}
