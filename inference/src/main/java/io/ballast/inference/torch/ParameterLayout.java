package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where each weight lies in one flat buffer: the matrices first, then the vectors (norms and
 * biases), so that a range is what one optimiser setting covers. The query, key and value matrices
 * of a block adjoin, and so do their biases and its gate and up matrices: one product computes each
 * family.
 *
 * <p>A layout may be of some adjoining blocks alone. Blocks are counted from its own first one, and
 * named as in the whole decoder.
 *
 * <p>A critic's weights are the last vectors. They are none of the decoder's {@link #parameters},
 * which a folder holds.
 */
final class ParameterLayout {
  /**
   * One weight.
   *
   * @param name its name in a Hugging Face folder
   * @param offset of its first number in the flat buffer
   * @param rows its first dimension
   * @param columns its second dimension, or 0 for a vector
   */
  record Parameter(String name, long offset, long rows, long columns) {
    long size() {
      return columns == 0 ? rows : rows * columns;
    }

    List<Long> shape() {
      return columns == 0 ? List.of(rows) : List.of(rows, columns);
    }
  }

  /**
   * The vectors that not every family has.
   *
   * @param queryKeyValueBias the three biases as one; empty if there are none
   * @param outputBias empty if there is none
   * @param queryNorm of each head, empty if there is none
   * @param keyNorm of each head, empty if there is none
   */
  record Extras(
      Optional<Parameter> queryKeyValueBias,
      Optional<Parameter> outputBias,
      Optional<Parameter> queryNorm,
      Optional<Parameter> keyNorm) {}

  /**
   * The weights of a {@link ValueHead}.
   *
   * @param weight of D numbers
   * @param bias one number
   */
  record Critic(Parameter weight, Parameter bias) {}

  private final DecoderConfig config;
  private final int blocks;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<List<Parameter>> matrices = new ArrayList<>();
  private final List<List<Parameter>> norms = new ArrayList<>();
  private final List<Extras> extras = new ArrayList<>();
  private final Parameter embedding;
  private final Parameter head;
  private final Parameter finalNorm;
  private final long matrixSize;
  private final Optional<Critic> critic;
  private long size;

  /** The whole decoder. */
  ParameterLayout(DecoderConfig config) {
    this(config, 0, config.layers(), true, true, false);
  }

  /** The whole decoder and, if {@code withCritic}, a critic on it. */
  ParameterLayout(DecoderConfig config, boolean withCritic) {
    this(config, 0, config.layers(), true, true, withCritic);
  }

  /** The embedding and the first {@code end} blocks; in place of the head stands the embedding. */
  static ParameterLayout lower(DecoderConfig config, int end) {
    return new ParameterLayout(config, 0, end, true, false, false);
  }

  /** The blocks from {@code first} on, and the final norm; embedding and head have no numbers. */
  static ParameterLayout upper(DecoderConfig config, int first) {
    return new ParameterLayout(config, first, config.layers(), false, false, false);
  }

  private ParameterLayout(
      DecoderConfig config,
      int first,
      int end,
      boolean withEmbedding,
      boolean withHead,
      boolean withCritic) {
    this.config = config;
    this.blocks = end - first;
    long hidden = config.hiddenSize();
    long queries = config.queryWidth();
    long keyValue = config.keyValueWidth();
    long inner = config.intermediateSize();
    embedding =
        withEmbedding
            ? add("model.embed_tokens.weight", config.vocabularySize(), hidden)
            : new Parameter("", 0, 0, hidden);
    head =
        config.tiedHead() || !withHead
            ? embedding
            : add("lm_head.weight", config.vocabularySize(), hidden);
    for (int i = first; i < end; i++) {
      String block = block(i);
      matrices.add(
          List.of(
              add(block + "self_attn.q_proj.weight", queries, hidden),
              add(block + "self_attn.k_proj.weight", keyValue, hidden),
              add(block + "self_attn.v_proj.weight", keyValue, hidden),
              add(block + "self_attn.o_proj.weight", hidden, queries),
              add(block + "mlp.gate_proj.weight", inner, hidden),
              add(block + "mlp.up_proj.weight", inner, hidden),
              add(block + "mlp.down_proj.weight", hidden, inner)));
    }
    matrixSize = size;
    for (int i = first; i < end; i++) {
      norms.add(
          List.of(
              add(block(i) + "input_layernorm.weight", hidden, 0),
              add(block(i) + "post_attention_layernorm.weight", hidden, 0)));
    }
    finalNorm = add("model.norm.weight", hidden, 0);
    for (int i = first; i < end; i++) {
      extras.add(extras(block(i) + "self_attn.", hidden, queries, keyValue));
    }
    critic = withCritic ? Optional.of(critic(size, hidden)) : Optional.empty();
  }

  /** Where a critic lies that begins at {@code offset}. */
  static Critic critic(long offset, long hidden) {
    return new Critic(
        new Parameter("critic.weight", offset, hidden, 0),
        new Parameter("critic.bias", offset + hidden, 1, 0));
  }

  private static String block(int layer) {
    return "model.layers." + layer + ".";
  }

  private Extras extras(String block, long hidden, long queries, long keyValue) {
    Optional<Parameter> queryKeyValueBias = Optional.empty();
    if (config.queryKeyValueBias()) {
      queryKeyValueBias =
          Optional.of(
              joined(
                  add(block + "q_proj.bias", queries, 0),
                  add(block + "k_proj.bias", keyValue, 0),
                  add(block + "v_proj.bias", keyValue, 0)));
    }
    Optional<Parameter> outputBias = Optional.empty();
    if (config.outputBias()) {
      outputBias = Optional.of(add(block + "o_proj.bias", hidden, 0));
    }
    if (!config.queryKeyNorm()) {
      return new Extras(queryKeyValueBias, outputBias, Optional.empty(), Optional.empty());
    }
    return new Extras(
        queryKeyValueBias,
        outputBias,
        Optional.of(add(block + "q_norm.weight", config.headSize(), 0)),
        Optional.of(add(block + "k_norm.weight", config.headSize(), 0)));
  }

  private Parameter add(String name, long rows, long columns) {
    Parameter parameter = new Parameter(name, size, rows, columns);
    parameters.add(parameter);
    size += parameter.size();
    return parameter;
  }

  DecoderConfig config() {
    return config;
  }

  /** Number of blocks. */
  int blocks() {
    return blocks;
  }

  /** The decoder's weights: all but the critic's. */
  List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  /** Length of the flat buffer. */
  long size() {
    return size + critic.map(c -> c.weight().size() + c.bias().size()).orElse(0L);
  }

  /** Length of its part that holds the decoder's weights. */
  long decoderSize() {
    return size;
  }

  Optional<Critic> critic() {
    return critic;
  }

  /** Length of its first part, which holds the matrices. */
  long matrixSize() {
    return matrixSize;
  }

  Parameter embedding() {
    return embedding;
  }

  Parameter head() {
    return head;
  }

  /** The seven matrices of a block: query, key, value, output, gate, up, down. */
  List<Parameter> matrices(int layer) {
    return matrices.get(layer);
  }

  /** The two norms of a block: before attention, before the feed-forward layer. */
  List<Parameter> norms(int layer) {
    return norms.get(layer);
  }

  /** The vectors of a block that not every family has. */
  Extras extras(int layer) {
    return extras.get(layer);
  }

  Parameter finalNorm() {
    return finalNorm;
  }

  /** The weights that adjoin, as one of their summed height. */
  static Parameter joined(Parameter first, Parameter... rest) {
    long rows = first.rows();
    for (Parameter next : rest) {
      rows += next.rows();
    }
    return new Parameter(first.name(), first.offset(), rows, first.columns());
  }
}
