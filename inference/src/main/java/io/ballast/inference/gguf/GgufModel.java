package io.ballast.inference.gguf;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.gguf.GgufFile.GgufTensor;
import io.ballast.inference.gguf.GgufFile.RowOrder;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.SafetensorsFile.Piece;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.DoubleConsumer;

/**
 * A decoder in a GGUF file, written out as a Hugging Face folder: config.json, model.safetensors,
 * tokenizer.json and tokenizer_config.json with the chat template. Quantised numbers are widened.
 */
public final class GgufModel {
  private static final String FREQUENCIES = "rope_freqs.weight";

  private final GgufFile file;
  private final DecoderConfig config;
  private final Map<String, String> nameOf = new LinkedHashMap<>();

  private GgufModel(GgufFile file) {
    this.file = file;
    this.config = GgufConfig.of(file);
    this.config.weightShapes().keySet().forEach(name -> nameOf.put(name, ggufName(name)));
    requireTensors();
  }

  /**
   * Writes the folder.
   *
   * @param gguf the file
   * @param folder exists; files of these names in it are replaced
   * @param weights how numbers are written
   * @param progress told the part that is done, 0 to 1
   * @return the model's shape
   * @throws ModelException INVALID_FOLDER if the file is missing, truncated, contradicts itself, or
   *     holds an architecture, a type or a tokenizer that is not read; named
   */
  public static DecoderConfig write(
      Path gguf, Path folder, WeightType weights, DoubleConsumer progress) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      GgufFile file = GgufFile.open(gguf, arena);
      GgufModel model = new GgufModel(file);
      GgufTokenizer tokenizer = GgufTokenizer.of(file.metadata(), model.config);
      Files.createDirectories(folder);
      tokenizer.write(folder);
      model.writeWeights(folder, weights, progress);
      model.config.write(folder, weights);
      return model.config;
    } catch (IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, gguf + ": " + e.getMessage(), e);
    }
  }

  private void requireTensors() {
    Set<String> missing = new TreeSet<>();
    Set<String> unexpected = new TreeSet<>(file.tensors().keySet());
    unexpected.remove(FREQUENCIES); // read as part of the shape
    config
        .weightShapes()
        .forEach(
            (name, shape) -> {
              String gguf = name(name);
              unexpected.remove(gguf);
              GgufTensor tensor = file.tensors().get(gguf);
              if (tensor == null) {
                missing.add(gguf);
              } else if (!tensor.shape().equals(shape)) {
                throw new IllegalArgumentException(
                    "tensor " + gguf + ": shape " + tensor.shape() + " (expected: " + shape + ")");
              }
            });
    if (!missing.isEmpty() || !unexpected.isEmpty()) {
      throw new IllegalArgumentException(
          "tensors and metadata disagree: missing " + missing + "; unexpected " + unexpected);
    }
  }

  private String name(String name) {
    return nameOf.getOrDefault(name, name);
  }

  /** What GGUF calls a weight. */
  private static String ggufName(String name) {
    if (name.startsWith("model.layers.")) {
      String[] parts = name.split("\\.", 4);
      return "blk."
          + parts[2]
          + "."
          + parts[3]
              .replace("self_attn.q_proj", "attn_q")
              .replace("self_attn.k_proj", "attn_k")
              .replace("self_attn.v_proj", "attn_v")
              .replace("self_attn.o_proj", "attn_output")
              .replace("self_attn.q_norm", "attn_q_norm")
              .replace("self_attn.k_norm", "attn_k_norm")
              .replace("mlp.gate_proj", "ffn_gate")
              .replace("mlp.up_proj", "ffn_up")
              .replace("mlp.down_proj", "ffn_down")
              .replace("post_attention_layernorm", "ffn_norm")
              .replace("input_layernorm", "attn_norm");
    }
    return switch (name) {
      case "model.embed_tokens.weight" -> "token_embd.weight";
      case "lm_head.weight" -> "output.weight";
      case "model.norm.weight" -> "output_norm.weight";
      default -> throw new IllegalStateException(name);
    };
  }

  private void writeWeights(Path folder, WeightType weights, DoubleConsumer progress)
      throws IOException {
    long all = config.parameterCount();
    long[] done = new long[1];
    List<Content> contents = new ArrayList<>();
    config
        .weightShapes()
        .forEach(
            (name, shape) ->
                contents.add(
                    new Content(
                        name,
                        weights,
                        shape,
                        piece ->
                            read(
                                name,
                                (values, count, at) -> {
                                  piece.take(values, count, at);
                                  done[0] += count;
                                  progress.accept((double) done[0] / all);
                                }))));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
  }

  /** Reads a weight as the folder has it. */
  private void read(String name, Piece piece) {
    GgufTensor tensor = file.tensors().get(name(name));
    if (tensor == null) {
      throw new IllegalStateException(name);
    }
    double offset = config.normOffset();
    boolean shifted = offset != 0 && name.endsWith("norm.weight");
    // a Gemma's norms are written with the one that the model adds
    Piece finite =
        (values, count, at) -> {
          for (int i = 0; i < count; i++) {
            if (shifted) {
              values[i] -= (float) offset;
            }
            if (!Float.isFinite(values[i])) {
              throw new IllegalArgumentException(
                  "tensor "
                      + tensor.name()
                      + "["
                      + (at + i)
                      + "]: "
                      + values[i]
                      + " (expected: finite)");
            }
          }
          piece.take(values, count, at);
        };
    file.read(tensor, order(name), finite);
  }

  /**
   * Where a row of a weight stands. A Llama's queries and keys are written with the pairs that
   * rotate together side by side, (0, 1), (2, 3)…; the folder has halves, (0, E/2), (1, E/2 + 1)….
   */
  private RowOrder order(String name) {
    boolean paired =
        switch (config.family()) {
          case LLAMA, MISTRAL ->
              name.contains("self_attn.q_proj.") || name.contains("self_attn.k_proj.");
          case QWEN2, QWEN3, GEMMA -> false;
        };
    if (!paired) {
      return row -> row;
    }
    long size = config.headSize();
    long half = size / 2;
    return row -> {
      long within = row % size;
      return row - within + within % half * 2 + within / half;
    };
  }

  /** The families that are read, by what {@code general.architecture} calls them. */
  static List<String> architectures() {
    return List.of(
        DecoderFamily.LLAMA.modelType(),
        DecoderFamily.QWEN2.modelType(),
        DecoderFamily.QWEN3.modelType(),
        DecoderFamily.GEMMA.modelType());
  }
}
