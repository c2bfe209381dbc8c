package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.ballast.inference.onnx.HeadsGraph.Judged;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.List;

/**
 * Trunk, likelihoods, features and heads as one ONNX model.
 *
 * <p>Over packed rows, a row is prompt | completion 1 | … | completion G: a completion sees its
 * prompt and itself. Over plain rows it is prompt | completion | padding, and the model works out
 * the rest, so that whoever batches need know nothing. Shape letters: B rows, T tokens, M
 * completions in all rows, C tokens of the longest, D hidden size, V vocabulary, F features, K
 * members, O objectives.
 */
final class ScoringGraph {
  /** int64 [B, T]. */
  static final String INPUT_IDS = "input_ids";

  /** int64 [B, 1], of plain rows: how many tokens of a row are its prompt, ≥ 1. */
  static final String PROMPT_TOKENS = "prompt_tokens";

  /** int64 [B, 1], of plain rows: how many tokens after them are its completion, ≥ 1. */
  static final String COMPLETION_TOKENS = "completion_tokens";

  /** int64 [B, T]: where each token would stand if its completion were alone. */
  static final String POSITION_IDS = "position_ids";

  /** bool [B, T, T]: whether a token sees another. */
  static final String ATTENTION_MASK = "attention_mask";

  /** int64 [M, C]: the place in B·T that predicts a completion's token. */
  static final String PREDICT_INDEX = "predict_index";

  /** int64 [M, C]: the place in B·T of the token itself. */
  static final String TOKEN_INDEX = "token_index";

  /** int64 [M, C]: the token's id. */
  static final String TARGETS = "targets";

  /** float [M, C]: 1 for a token, 0 for padding; a completion has at least one token. */
  static final String MASK = "mask";

  /** float [M, K]; of plain rows not a number where the counts of a row's tokens cannot be. */
  static final String SCORES = "scores";

  /**
   * float [M, K, O]: what each member's heads say by each objective, of which {@link #SCORES} are
   * the sums; only where there are several objectives.
   */
  static final String OBJECTIVES = "objectives";

  /** float [M, F], not standardised. */
  static final String FEATURES = "features";

  /** float [M, C], 0 at padding; not there if heads that need none are. */
  static final String LOG_PROBS = "log_probs";

  /** Changes whenever the same weights would make another graph. */
  static final String VERSION = "2";

  /** What nothing reads. */
  private static final String NONE = "";

  private final OnnxGraph graph = new OnnxGraph("ballast_scoring");
  private final DecoderConfig config;
  private final TrunkGraph trunk;
  private final HeadsGraph heads = new HeadsGraph(graph);

  private ScoringGraph(DecoderConfig config, Path weightsFile) {
    this.config = config;
    this.trunk = new TrunkGraph(graph, config, weightsFile);
  }

  /** Writes the model that only tells features and log-probabilities. */
  static ModelProto buildFeatures(
      Path trunkFolder, DecoderConfig config, List<ScoringFeature> features) {
    ScoringGraph all = new ScoringGraph(config, trunkFolder.resolve(ModelManifest.WEIGHTS));
    String hidden = all.packedHidden();
    Completions completions = all.packedCompletions();
    all.tell(features, hidden, completions, all.logProbs(hidden, completions));
    return all.graph.model();
  }

  /**
   * Writes the model over packed rows, which tells {@link #SCORES}; and {@link #FEATURES} and
   * {@link #LOG_PROBS} too, unless members have blocks of their own.
   *
   * @param scoring the heads' folder, in which those blocks lie
   */
  static ModelProto build(
      Path trunkFolder, DecoderConfig config, Path scoring, ScoringModel model) {
    ScoringGraph all = new ScoringGraph(config, trunkFolder.resolve(ModelManifest.WEIGHTS));
    Judged judged;
    if (model.spec().ownBlocks() > 0) {
      TrunkGraph.Stream stream = all.packedStream();
      judged = all.ownScores(stream, all.packedCompletions(), scoring, model);
    } else {
      String hidden = all.packedHidden();
      Completions completions = all.packedCompletions();
      String logProbs =
          needsLogProbs(model.spec().features()) ? all.logProbs(hidden, completions) : NONE;
      String seen = all.tell(model.spec().features(), hidden, completions, logProbs);
      judged = all.heads.judged(seen, model);
    }
    all.judge("M", model.spec(), judged);
    return all.graph.model();
  }

  private void judge(String rows, ScoringSpec spec, Judged judged) {
    String members = Integer.toString(spec.heads());
    graph.output(SCORES, judged.scores(), rows, members);
    if (!spec.objectives().isEmpty()) {
      graph.output(
          OBJECTIVES,
          judged.objectives(),
          rows,
          members,
          Integer.toString(spec.objectives().size()));
    }
  }

  private TrunkGraph.Stream packedStream() {
    return trunk.embedded(
        graph.input(INPUT_IDS, DataType.INT64, "B", "T"),
        graph.input(POSITION_IDS, DataType.INT64, "B", "T"),
        graph.input(ATTENTION_MASK, DataType.BOOL, "B", "T", "T"));
  }

  private String packedHidden() {
    return trunk.ended(trunk.through(packedStream(), 0, config.layers()));
  }

  private Completions packedCompletions() {
    return new Completions(
        graph.input(PREDICT_INDEX, DataType.INT64, "M", "C"),
        graph.input(TOKEN_INDEX, DataType.INT64, "M", "C"),
        graph.input(TARGETS, DataType.INT64, "M", "C"),
        graph.input(MASK, DataType.FLOAT, "M", "C"));
  }

  private String tell(
      List<ScoringFeature> features, String hidden, Completions completions, String logProbs) {
    String seen = features(features, hidden, completions, logProbs);
    int width = ScoringFeature.width(features, config.hiddenSize());
    graph.output(FEATURES, seen, "M", Integer.toString(width));
    if (!logProbs.equals(NONE)) {
      graph.output(LOG_PROBS, logProbs, "M", "C");
    }
    return seen;
  }

  /** The blocks that members share once, then each member's own behind them, and its head. */
  private Judged ownScores(
      TrunkGraph.Stream embedded, Completions completions, Path scoring, ScoringModel model) {
    ScoringSpec spec = model.spec();
    int shared = config.layers() - spec.ownBlocks();
    TrunkGraph.Stream stream = trunk.through(embedded, 0, shared);
    Path file = scoring.resolve(ModelManifest.WEIGHTS);
    String[] scores = new String[spec.heads()];
    for (int k = 0; k < scores.length; k++) {
      TrunkGraph own = new TrunkGraph(graph, config, file, MemberBlocks.prefix(k));
      String hidden = own.ended(own.through(stream, shared, config.layers()));
      // spec has made sure that no feature needs likelihoods
      String seen = features(spec.features(), hidden, completions, NONE);
      scores[k] =
          heads.scores(seen, model.heads().only(k), spec.activation(), MemberBlocks.prefix(k));
    }
    return Judged.of(graph.concat(1, scores));
  }

  private static boolean needsLogProbs(List<ScoringFeature> features) {
    return features.stream().anyMatch(ScoringFeature::needsLogProbs);
  }

  /** The completions' tokens, each shape [M, C]: as the inputs of a packed model are. */
  private record Completions(String predictIndex, String tokenIndex, String targets, String mask) {}

  /** Writes the model over plain rows, which tells {@link #SCORES}, and {@link #OBJECTIVES}. */
  static ModelProto buildPlain(
      Path trunkFolder, DecoderConfig config, Path scoring, ScoringModel model) {
    return new ScoringGraph(config, trunkFolder.resolve(ModelManifest.WEIGHTS))
        .buildPlain(scoring, model);
  }

  private ModelProto buildPlain(Path scoring, ScoringModel model) {
    String ids = graph.input(INPUT_IDS, DataType.INT64, "B", "T");
    String promptTokens = graph.input(PROMPT_TOKENS, DataType.INT64, "B", "1");
    String completionTokens = graph.input(COMPLETION_TOKENS, DataType.INT64, "B", "1");
    String rows = size(ids, 0);
    String tokens = size(ids, 1);
    String places = graph.unsqueeze(range(tokens), 0);
    String causal =
        graph.unsqueeze(graph.apply("GreaterOrEqual", graph.transpose(places, 1, 0), places), 0);
    TrunkGraph.Stream stream = trunk.embedded(ids, places, causal);

    String longest =
        graph.apply("ReduceMax", List.of(OnnxGraph.attribute("keepdims", 0)), completionTokens);
    String steps = graph.unsqueeze(range(longest), 0);
    String real = graph.apply("Less", steps, completionTokens);
    // padding points at the completion's own first token, never at another row
    String own = graph.apply("Mul", steps, cast(real, DataType.INT64));
    String first = graph.apply("Mul", graph.unsqueeze(range(rows), 1), tokens);
    String tokenIndex = graph.apply("Add", graph.apply("Add", first, promptTokens), own);
    Completions completions =
        new Completions(
            graph.apply("Sub", tokenIndex, graph.integers(1)),
            tokenIndex,
            graph.gather(graph.reshape(ids, -1), tokenIndex),
            cast(real, DataType.FLOAT));

    ScoringSpec spec = model.spec();
    Judged judged;
    if (spec.ownBlocks() > 0) {
      judged = ownScores(stream, completions, scoring, model);
    } else {
      String hidden = trunk.ended(trunk.through(stream, 0, config.layers()));
      String logProbs = needsLogProbs(spec.features()) ? logProbs(hidden, completions) : NONE;
      String seen = features(spec.features(), hidden, completions, logProbs);
      judged = heads.judged(seen, model);
    }
    String possible =
        graph.apply(
            "And",
            graph.apply(
                "And",
                graph.apply("Greater", promptTokens, graph.integers(0)),
                graph.apply("Greater", completionTokens, graph.integers(0))),
            graph.apply("LessOrEqual", graph.apply("Add", promptTokens, completionTokens), tokens));
    String impossible = graph.scalar("impossible", Double.NaN);
    judge(
        "B",
        spec,
        new Judged(
            graph.apply("Where", possible, judged.scores(), impossible),
            spec.objectives().isEmpty()
                ? NONE
                : graph.apply(
                    "Where", graph.unsqueeze(possible, 2), judged.objectives(), impossible)));
    return graph.model();
  }

  /** The length of an axis, without dimensions. */
  private String size(String x, long axis) {
    return graph.apply(
        "Squeeze",
        graph.apply(
            "Shape",
            List.of(OnnxGraph.attribute("start", axis), OnnxGraph.attribute("end", axis + 1)),
            x));
  }

  /** 0 to {@code count}, exclusive. */
  private String range(String count) {
    return graph.apply(
        "Range",
        graph.apply("Squeeze", graph.integers(0)),
        count,
        graph.apply("Squeeze", graph.integers(1)));
  }

  private String cast(String x, DataType type) {
    return graph.apply("Cast", List.of(OnnxGraph.attribute("to", type.getNumber())), x);
  }

  private String features(
      List<ScoringFeature> features, String hidden, Completions completions, String logProbs) {
    String length = graph.sum(completions.mask(), 1, true);
    return graph.concat(
        1,
        features.stream()
            .map(feature -> feature(feature, hidden, completions, length, logProbs))
            .toArray(String[]::new));
  }

  private String logProbs(String hidden, Completions completions) {
    String targets = completions.targets();
    String predicting =
        graph.reshape(graph.gather(hidden, completions.predictIndex()), -1, config.hiddenSize());
    String logits =
        graph.apply("Gemm", List.of(OnnxGraph.attribute("transB", 1)), predicting, trunk.head());
    String all = graph.apply("LogSoftmax", List.of(OnnxGraph.attribute("axis", -1)), logits);
    String ofTargets =
        graph.apply(
            "GatherElements",
            List.of(OnnxGraph.attribute("axis", 1)),
            all,
            graph.reshape(targets, -1, 1));
    String shaped = graph.apply("Reshape", ofTargets, graph.apply("Shape", targets));
    return graph.apply("Mul", shaped, completions.mask());
  }

  private String feature(
      ScoringFeature feature,
      String hidden,
      Completions completions,
      String length,
      String logProbs) {
    return switch (feature) {
      case LAST_HIDDEN -> lastHidden(hidden, completions.tokenIndex(), length);
      case MEAN_HIDDEN -> {
        String own =
            graph.apply(
                "Mul",
                graph.gather(hidden, completions.tokenIndex()),
                graph.unsqueeze(completions.mask(), 2));
        yield graph.apply("Div", graph.sum(own, 1, false), length);
      }
      case SUM_LOG_PROB -> graph.sum(logProbs, 1, true);
      case MEAN_LOG_PROB -> graph.apply("Div", graph.sum(logProbs, 1, true), length);
      // padding is 0, and no log-probability is above it
      case LEAST_LOG_PROB ->
          graph.apply("ReduceMin", List.of(OnnxGraph.integersAttribute("axes", 1)), logProbs);
      case FIRST_LOG_PROB -> graph.slice(logProbs, 1, 0, 1);
      case FIRST_TWO_LOG_PROB -> graph.sum(graph.slice(logProbs, 1, 0, 2), 1, true);
      case FIRST_FOUR_LOG_PROB -> graph.sum(graph.slice(logProbs, 1, 0, 4), 1, true);
      case LENGTH -> length;
      case LOG_LENGTH -> graph.apply("Log", length);
    };
  }

  private String lastHidden(String hidden, String tokenIndex, String length) {
    String last = graph.apply("Sub", cast(length, DataType.INT64), graph.integers(1));
    String place =
        graph.apply("GatherElements", List.of(OnnxGraph.attribute("axis", 1)), tokenIndex, last);
    return graph.gather(hidden, graph.reshape(place, -1));
  }
}
