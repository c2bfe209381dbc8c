package io.ballast.inference.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Scoring heads on disk: config.json, model.safetensors, and ballast.json with the checksums.
 *
 * <p>Tensors, all in 32 bits: {@code features.mean} and {@code features.std}, shape [F]; of each
 * head k {@code heads.k.hidden.weight} [N, F], {@code heads.k.hidden.bias} [N], {@code
 * heads.k.output.weight} [1, N], {@code heads.k.output.bias} [1]. A linear head, N = 0, has no
 * hidden tensors, and its output weight is [1, F]. Of members that judge by O objectives head k·O +
 * o is member k's by objective o. Members with blocks of their own have those too, each tensor's
 * name in the trunk behind {@code members.k.}.
 */
public final class ScoringModelFolder {
  /** What a folder says of itself. */
  public static final String CONFIG = "config.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private ScoringModelFolder() {}

  /**
   * Reads a folder after comparing its files with their checksums.
   *
   * @param hiddenSize of the trunk, which decides how wide the features are
   * @throws ModelException INVALID_FOLDER if a file, a field or a tensor is missing or is not what
   *     it should be, named; CORRUPT_WEIGHTS if a checksum differs or a weight is not finite
   */
  public static ScoringModel read(Path folder, int hiddenSize) {
    ScoringSpec spec = readSpec(folder);
    int width = ScoringFeature.width(spec.features(), hiddenSize);
    Path file = folder.resolve(ModelManifest.WEIGHTS);
    SafetensorsFile tensors = SafetensorsFile.open(file);
    float[] mean = finite(file, tensors, "features.mean", width);
    float[] std = finite(file, tensors, "features.std", width);
    for (int i = 0; i < std.length; i++) {
      if (!(std[i] > 0)) {
        throw invalid(file, "tensor features.std[" + i + "]: " + std[i] + " (expected: > 0)");
      }
    }
    long hidden = spec.hiddenWidth();
    List<Head> heads = new ArrayList<>();
    for (int k = 0; k < spec.trainedHeads(); k++) {
      String name = "heads." + k + ".";
      heads.add(
          hidden == 0
              ? Head.linear(
                  finite(file, tensors, name + "output.weight", 1, width),
                  finite(file, tensors, name + "output.bias", 1)[0])
              : new Head(
                  finite(file, tensors, name + "hidden.weight", hidden, width),
                  finite(file, tensors, name + "hidden.bias", hidden),
                  finite(file, tensors, name + "output.weight", 1, hidden),
                  finite(file, tensors, name + "output.bias", 1)[0]));
    }
    return new ScoringModel(spec, new ScoringHeads(mean, std, heads));
  }

  /**
   * Reads what a folder says of itself, after comparing its files with their checksums.
   *
   * @throws ModelException as {@link #read}
   */
  public static ScoringSpec readSpec(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    Path file = folder.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw invalid(file, "the file is missing");
    }
    try {
      return ScoringConfig.parse(JSON.readTree(file.toFile()));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads the text of a folder's config.json.
   *
   * @throws IllegalArgumentException if a field is missing or is not what it should be, named
   */
  public static ScoringSpec parse(String config) {
    try {
      return ScoringConfig.parse(JSON.readTree(config));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * Writes a folder, its manifest last.
   *
   * @param folder created if absent; files of these names in it are replaced, others are kept and
   *     listed in the manifest
   * @param notes kept in ballast.json, such as the seed
   */
  public static void write(Path folder, ScoringModel model, Map<String, String> notes)
      throws IOException {
    write(folder, model, List.of(), notes);
  }

  /**
   * Writes a folder of members with blocks of their own, its manifest last.
   *
   * @param blocks a file of each member, as {@code TrainableBlocks} saves them; none if they have
   *     none
   * @param notes as above
   */
  public static void write(
      Path folder, ScoringModel model, List<Path> blocks, Map<String, String> notes)
      throws IOException {
    if (blocks.size() != (model.spec().ownBlocks() == 0 ? 0 : model.spec().heads())) {
      throw new IllegalArgumentException(
          "blocks: %d files of %d members with %d blocks of their own"
              .formatted(blocks.size(), model.spec().heads(), model.spec().ownBlocks()));
    }
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve(CONFIG),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(ScoringConfig.json(model.spec()))
            + "\n");
    ScoringHeads heads = model.heads();
    long width = heads.featureCount();
    long hidden = heads.hiddenWidth();
    List<Content> contents = new ArrayList<>();
    contents.add(tensor("features.mean", heads.featureMean(), width));
    contents.add(tensor("features.std", heads.featureStd(), width));
    for (int k = 0; k < heads.size(); k++) {
      Head head = heads.heads().get(k);
      String name = "heads." + k + ".";
      if (hidden > 0) {
        contents.add(tensor(name + "hidden.weight", head.hiddenWeight(), hidden, width));
        contents.add(tensor(name + "hidden.bias", head.hiddenBias(), hidden));
      }
      float[] output = head.outputWeight();
      contents.add(tensor(name + "output.weight", output, 1, output.length));
      contents.add(tensor(name + "output.bias", new float[] {head.outputBias()}, 1));
    }
    contents.addAll(MemberBlocks.contents(blocks));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
    ModelManifest.write(folder, notes);
  }

  private static Content tensor(String name, float[] values, long... shape) {
    return new Content(name, WeightType.FLOAT32, shape(shape), () -> values);
  }

  private static List<Long> shape(long... shape) {
    List<Long> boxed = new ArrayList<>();
    for (long size : shape) {
      boxed.add(size);
    }
    return boxed;
  }

  private static float[] finite(Path file, SafetensorsFile tensors, String name, long... shape) {
    float[] values = tensors.read(name, shape(shape));
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelException(
            Reason.CORRUPT_WEIGHTS,
            file + ": tensor " + name + "[" + i + "]: " + values[i] + " (expected: finite)");
      }
    }
    return values;
  }

  private static ModelException invalid(Path file, String what) {
    return new ModelException(Reason.INVALID_FOLDER, file + ": " + what);
  }
}
