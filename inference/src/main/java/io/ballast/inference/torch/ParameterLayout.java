package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;

/**
 * Where each weight lies in one flat buffer: the matrices first, then the norms, so that a range is
 * what one optimiser setting covers. The query, key and value matrices of a block adjoin, and so do
 * its gate and up matrices: one product computes each family.
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

  private final DecoderConfig config;
  private final List<Parameter> parameters = new ArrayList<>();
  private final long matrixSize;
  private long size;

  ParameterLayout(DecoderConfig config) {
    this.config = config;
    long hidden = config.hiddenSize();
    long keyValue = (long) config.keyValueHeads() * config.headSize();
    long inner = config.intermediateSize();
    add("model.embed_tokens.weight", config.vocabularySize(), hidden);
    if (!config.tiedHead()) {
      add("lm_head.weight", config.vocabularySize(), hidden);
    }
    for (int i = 0; i < config.layers(); i++) {
      String block = "model.layers." + i + ".";
      add(block + "self_attn.q_proj.weight", hidden, hidden);
      add(block + "self_attn.k_proj.weight", keyValue, hidden);
      add(block + "self_attn.v_proj.weight", keyValue, hidden);
      add(block + "self_attn.o_proj.weight", hidden, hidden);
      add(block + "mlp.gate_proj.weight", inner, hidden);
      add(block + "mlp.up_proj.weight", inner, hidden);
      add(block + "mlp.down_proj.weight", hidden, inner);
    }
    matrixSize = size;
    for (int i = 0; i < config.layers(); i++) {
      add("model.layers." + i + ".input_layernorm.weight", hidden, 0);
      add("model.layers." + i + ".post_attention_layernorm.weight", hidden, 0);
    }
    add("model.norm.weight", hidden, 0);
  }

  private void add(String name, long rows, long columns) {
    Parameter parameter = new Parameter(name, size, rows, columns);
    parameters.add(parameter);
    size += parameter.size();
  }

  DecoderConfig config() {
    return config;
  }

  List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  /** Length of the flat buffer. */
  long size() {
    return size;
  }

  /** Length of its first part, which holds the matrices. */
  long matrixSize() {
    return matrixSize;
  }

  Parameter embedding() {
    return parameters.getFirst();
  }

  Parameter head() {
    return parameters.get(config.tiedHead() ? 0 : 1);
  }

  /** The seven matrices of a block: query, key, value, output, gate, up, down. */
  List<Parameter> matrices(int layer) {
    int first = (config.tiedHead() ? 1 : 2) + 7 * layer;
    return parameters.subList(first, first + 7);
  }

  /** The two norms of a block: before attention, before the feed-forward layer. */
  List<Parameter> norms(int layer) {
    int first = parameters.size() - 1 - 2 * (config.layers() - layer);
    return parameters.subList(first, first + 2);
  }

  Parameter finalNorm() {
    return parameters.getLast();
  }

  /** The matrices that adjoin, as one of their summed height. */
  static Parameter joined(Parameter first, Parameter... rest) {
    long rows = first.rows();
    for (Parameter next : rest) {
      rows += next.rows();
    }
    return new Parameter(first.name(), first.offset(), rows, first.columns());
  }
}
