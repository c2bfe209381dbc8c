package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * A decoder as a Hugging Face folder: config.json, model.safetensors or its shards, tokenizer.json,
 * and, where we wrote it, ballast.json with the checksums.
 */
final class DecoderFolder {
  static final String TOKENIZER = "tokenizer.json";

  /** Tables that older releases of transformers wrote beside the weights. */
  static final Pattern IGNORED = Pattern.compile(".*rotary_emb\\.inv_freq");

  /** And a head that is the embedding written twice. */
  private static final Pattern TIED_IGNORED =
      Pattern.compile(".*rotary_emb\\.inv_freq|lm_head\\.weight");

  private static final Map<String, String> METADATA = Map.of("format", "pt");

  private DecoderFolder() {}

  /**
   * Reads the weights of {@code folder}, whose checksums the caller has compared.
   *
   * @throws ModelException INVALID_FOLDER if a tensor is missing, unexpected, of another shape, or
   *     has a number that is not finite; named
   */
  static void load(Path folder, TrainedWeights weights) {
    WeightFiles files = WeightFiles.open(folder);
    requireNames(files, weights.layout());
    readInto(files, weights);
  }

  /** Reads the weights piece by piece, whatever else the files hold: no matrix is on the heap. */
  static void readInto(WeightFiles files, TrainedWeights weights) {
    for (Parameter parameter : weights.layout().parameters()) {
      files.readFinite(
          parameter.name(),
          parameter.shape(),
          (values, count, at) -> {
            try (PointerScope scope = new PointerScope();
                NoGradGuard off = new NoGradGuard()) {
              weights.write(parameter.offset() + at, Tensors.first(values, count));
            }
          });
    }
    weights.changed();
  }

  /**
   * Refuses tensors that a layout lacks or has besides.
   *
   * @throws ModelException INVALID_FOLDER listing them
   */
  static void requireNames(WeightFiles files, ParameterLayout layout) {
    Set<String> expected = new HashSet<>();
    layout.parameters().forEach(parameter -> expected.add(parameter.name()));
    files.requireNames(expected, layout.config().tiedHead() ? TIED_IGNORED : IGNORED);
  }

  /** Reads the shape of the model in {@code folder} after comparing the files' checksums. */
  static DecoderConfig verifiedConfig(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    return DecoderConfig.read(folder);
  }

  /**
   * Writes the folder, its manifest last.
   *
   * @param contents all weights, each under its name, of the type said
   */
  static void save(
      Path folder,
      DecoderConfig config,
      List<Content> contents,
      WeightType type,
      Path tokenizer,
      Map<String, String> notes)
      throws IOException {
    Files.createDirectories(folder);
    config.write(folder, type);
    writeWeights(folder.resolve(ModelManifest.WEIGHTS), contents);
    Path target = folder.resolve(TOKENIZER);
    if (!(Files.exists(target) && Files.isSameFile(tokenizer, target))) {
      Files.copy(tokenizer, target, StandardCopyOption.REPLACE_EXISTING);
    }
    ModelManifest.write(folder, notes);
  }

  /** The manifest, without notes, of the folder that {@link #save} would write. */
  static ModelManifest manifest(
      DecoderConfig config, List<Content> contents, WeightType type, Path tokenizer)
      throws IOException {
    return new ModelManifest(
        Map.of(
            ConfigJson.FILE,
            Sha256.of(ConfigJson.text(ConfigJson.causal(config, type))),
            ModelManifest.WEIGHTS,
            SafetensorsFile.sha256(contents, METADATA),
            TOKENIZER,
            Sha256.of(tokenizer)),
        Map.of());
  }

  /** Writes the weights whole or not at all: those that are there stay until the new ones are. */
  private static void writeWeights(Path file, List<Content> contents) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try {
      SafetensorsFile.write(part, contents, METADATA);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Returns all weights of a layout, each under its name. */
  static List<Content> contents(ParameterLayout layout, Tensor flat, WeightType type) {
    List<Content> contents = new ArrayList<>();
    for (Parameter parameter : layout.parameters()) {
      contents.add(
          new Content(
              parameter.name(),
              type,
              parameter.shape(),
              TensorPieces.of(flat, parameter.offset(), parameter.size())));
    }
    return contents;
  }
}
