package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * A Llama decoder's forward pass as ONNX: RMS norm, rotary positions, grouped heads, SwiGLU.
 *
 * <p>Shape letters: B rows, T tokens, D hidden size, H query heads, K key-value heads, R = H / K, E
 * head size, V vocabulary.
 */
final class TrunkGraph {
  private static final String NEGATIVE = "masked_score";
  private static final String EPSILON = "rms_epsilon";
  private static final String TWO = "two";
  private static final String SCALE = "attention_scale";

  private final OnnxGraph graph;
  private final DecoderConfig config;
  private final Path file;
  private final SafetensorsFile weights;
  private final String prefix;

  /**
   * The residual stream between two blocks.
   *
   * @param x shape [B, T, D]
   * @param mask, cosine and sine what attention needs of where the tokens are
   */
  record Stream(String x, String mask, String cosine, String sine) {
    private Stream with(String next) {
      return new Stream(next, mask, cosine, sine);
    }
  }

  /** The decoder whose weights lie in a file. */
  TrunkGraph(OnnxGraph graph, DecoderConfig config, Path weightsFile) {
    this(graph, config, weightsFile, "");
  }

  /**
   * The decoder, or some blocks of it, whose weights lie in a file.
   *
   * @param prefix of the tensors' names there, and of the graph's weights
   */
  TrunkGraph(OnnxGraph graph, DecoderConfig config, Path weightsFile, String prefix) {
    if (!config.isPlainLlama()) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          weightsFile
              + ": scoring heads stand on a "
              + config.family().modelType()
              + " decoder with biases, norms of its own or a stretched rope (expected: a plain"
              + " Llama)");
    }
    this.graph = graph;
    this.config = config;
    this.file = weightsFile;
    this.weights = SafetensorsFile.open(weightsFile);
    this.prefix = prefix;
  }

  /**
   * Adds the embedding.
   *
   * @param ids int64 [B, T]
   * @param positions int64 [B or 1, T]
   * @param allowed bool [B or 1, T, T]: whether a token sees another
   */
  Stream embedded(String ids, String positions, String allowed) {
    graph.scalar(NEGATIVE, -1e9);
    graph.scalar(EPSILON, config.rmsNormEpsilon());
    graph.scalar(TWO, 2);
    graph.scalar(SCALE, 1 / Math.sqrt(config.headSize()));
    String mask = graph.apply("Unsqueeze", allowed, graph.integers(1, 2));
    String cosine = rotary(positions, "rotary_cosine", Math::cos, 1);
    String sine = rotary(positions, "rotary_signed_sine", Math::sin, -1);
    return new Stream(graph.gather(embedding(), ids), mask, cosine, sine);
  }

  /** Adds blocks, {@code from} to {@code to}, exclusive. */
  Stream through(Stream stream, int from, int to) {
    String x = stream.x();
    for (int layer = from; layer < to; layer++) {
      String block = "model.layers." + layer + ".";
      String normed = norm(x, block + "input_layernorm.weight");
      x =
          graph.apply(
              "Add",
              x,
              attention(
                  block + "self_attn.", normed, stream.mask(), stream.cosine(), stream.sine()));
      normed = norm(x, block + "post_attention_layernorm.weight");
      x = graph.apply("Add", x, feedForward(block + "mlp.", normed));
    }
    return stream.with(x);
  }

  /** Adds the final norm; returns the hidden states, shape [B·T, D]. */
  String ended(Stream stream) {
    return graph.reshape(norm(stream.x(), "model.norm.weight"), -1, config.hiddenSize());
  }

  /** The language head's weights, shape [V, D]. */
  String head() {
    return config.tiedHead()
        ? "model.embed_tokens.weight"
        : graph.weight(
            "lm_head.weight",
            read("lm_head.weight", config.vocabularySize(), config.hiddenSize()),
            config.vocabularySize(),
            config.hiddenSize());
  }

  private String embedding() {
    String name = "model.embed_tokens.weight";
    long rows = config.vocabularySize();
    return graph.weight(name, read(name, rows, config.hiddenSize()), rows, config.hiddenSize());
  }

  /** x / sqrt(mean(x²) + ε) · w. */
  private String norm(String x, String name) {
    String weight =
        graph.weight(prefix + name, read(name, config.hiddenSize()), config.hiddenSize());
    String square = graph.apply("Pow", x, TWO);
    String mean =
        graph.apply("ReduceMean", List.of(OnnxGraph.integersAttribute("axes", -1)), square);
    String root = graph.apply("Sqrt", graph.apply("Add", mean, EPSILON));
    return graph.apply("Mul", graph.apply("Div", x, root), weight);
  }

  private String attention(String name, String x, String mask, String cosine, String sine) {
    long heads = config.attentionHeads();
    long keyHeads = config.keyValueHeads();
    long size = config.headSize();
    int width = config.hiddenSize();
    int keyWidth = (int) (keyHeads * size);
    String joined =
        product(
            x,
            name + "qkv",
            width,
            transposed(name + "q_proj.weight", width, width),
            transposed(name + "k_proj.weight", keyWidth, width),
            transposed(name + "v_proj.weight", keyWidth, width));
    List<String> parts =
        graph.cut(
            graph.reshape(joined, 0, 0, heads + 2 * keyHeads, size), 2, heads + keyHeads, keyHeads);
    List<String> rotated = graph.cut(rotate(parts.get(0), cosine, sine), 2, heads, keyHeads);
    String query =
        graph.transpose(
            graph.reshape(rotated.get(0), 0, 0, keyHeads, heads / keyHeads, size), 0, 2, 3, 1, 4);
    String key = graph.unsqueeze(graph.transpose(rotated.get(1), 0, 2, 3, 1), 2);
    String value = graph.unsqueeze(graph.transpose(parts.get(1), 0, 2, 1, 3), 2);
    String scores = graph.apply("MatMul", graph.apply("Mul", query, SCALE), key);
    String weights =
        graph.apply(
            "Softmax",
            List.of(OnnxGraph.attribute("axis", -1)),
            graph.apply("Where", mask, scores, NEGATIVE));
    String attended =
        graph.reshape(
            graph.transpose(graph.apply("MatMul", weights, value), 0, 3, 1, 2, 4), 0, 0, width);
    return product(
        attended, name + "output", width, transposed(name + "o_proj.weight", width, width));
  }

  private String rotate(String x, String cosine, String sine) {
    long half = config.headSize() / 2;
    List<String> halves = graph.cut(x, 3, half, half);
    String swapped = graph.concat(3, halves.get(1), halves.get(0));
    return graph.apply("Add", graph.apply("Mul", x, cosine), graph.apply("Mul", swapped, sine));
  }

  private String feedForward(String name, String x) {
    int width = config.hiddenSize();
    int inner = config.intermediateSize();
    String joined =
        product(
            x,
            name + "gate_up",
            width,
            transposed(name + "gate_proj.weight", inner, width),
            transposed(name + "up_proj.weight", inner, width));
    List<String> parts = graph.cut(joined, 2, inner, inner);
    String gate = graph.apply("Mul", parts.get(0), graph.apply("Sigmoid", parts.get(0)));
    return product(
        graph.apply("Mul", gate, parts.get(1)),
        name + "down",
        inner,
        transposed(name + "down_proj.weight", width, inner));
  }

  /** Multiplies by transposed matrices side by side, each of {@code rows} rows. */
  private String product(String x, String name, int rows, float[]... matrices) {
    int columns = Arrays.stream(matrices).mapToInt(m -> m.length / rows).sum();
    float[] joined = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      int at = row * columns;
      for (float[] matrix : matrices) {
        int count = matrix.length / rows;
        System.arraycopy(matrix, row * count, joined, at, count);
        at += count;
      }
    }
    return graph.apply("MatMul", x, graph.weight(prefix + name, joined, rows, columns));
  }

  private float[] transposed(String name, int rows, int columns) {
    float[] values = read(name, rows, columns);
    float[] turned = new float[values.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        turned[j * rows + i] = values[i * columns + j];
      }
    }
    return turned;
  }

  /** A table of cosines or sines at each position, in Hugging Face's order: halves, not pairs. */
  private String rotary(
      String positions, String name, DoubleUnaryOperator wave, int signOfFirstHalf) {
    int size = config.headSize();
    int half = size / 2;
    float[] table = new float[config.contextTokens() * size];
    for (int t = 0; t < config.contextTokens(); t++) {
      for (int i = 0; i < half; i++) {
        double value = wave.applyAsDouble(t * Math.pow(config.ropeTheta(), -2.0 * i / size));
        table[t * size + i] = (float) (signOfFirstHalf * value);
        table[t * size + half + i] = (float) value;
      }
    }
    graph.weight(name, table, config.contextTokens(), size);
    return graph.unsqueeze(graph.gather(name, positions), 2);
  }

  private float[] read(String ofDecoder, long... shape) {
    String name = prefix + ofDecoder;
    float[] values = weights.read(name, Arrays.stream(shape).boxed().toList());
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelException(
            Reason.CORRUPT_WEIGHTS,
            file + ": tensor " + name + "[" + i + "]: " + values[i] + " (expected: finite)");
      }
    }
    return values;
  }
}
