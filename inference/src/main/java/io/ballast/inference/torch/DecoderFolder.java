package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * A decoder as a Hugging Face folder: config.json, model.safetensors, tokenizer.json, and, where we
 * wrote it, ballast.json with the checksums.
 */
final class DecoderFolder {
  static final String TOKENIZER = "tokenizer.json";

  private DecoderFolder() {}

  /**
   * Reads the weights of {@code folder}, whose checksums are verified first.
   *
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS
   */
  static void load(Path folder, TrainedWeights weights) {
    SafetensorsFile file = SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS));
    for (Parameter parameter : weights.layout().parameters()) {
      float[] values = file.read(parameter.name(), parameter.shape());
      for (int i = 0; i < values.length; i++) {
        if (!Float.isFinite(values[i])) {
          throw new ModelException(
              Reason.INVALID_FOLDER,
              folder
                  + ": tensor "
                  + parameter.name()
                  + "["
                  + i
                  + "]: "
                  + values[i]
                  + " (expected: finite)");
        }
      }
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        weights
            .flat()
            .narrow(0, parameter.offset(), parameter.size())
            .copy_(Tensors.of(values, values.length));
      }
    }
    weights.changed();
  }

  /** Reads the shape of the model in {@code folder} after comparing the files' checksums. */
  static DecoderConfig verifiedConfig(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    return DecoderConfig.read(folder);
  }

  /** Writes the folder, its manifest last. */
  static void save(
      Path folder,
      ParameterLayout layout,
      Tensor flat,
      WeightType type,
      Path tokenizer,
      Map<String, String> notes)
      throws IOException {
    Files.createDirectories(folder);
    layout.config().write(folder, type);
    List<Content> contents = new ArrayList<>();
    for (Parameter parameter : layout.parameters()) {
      contents.add(
          new Content(parameter.name(), type, parameter.shape(), () -> values(flat, parameter)));
    }
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
    Path target = folder.resolve(TOKENIZER);
    if (!(Files.exists(target) && Files.isSameFile(tokenizer, target))) {
      Files.copy(tokenizer, target, StandardCopyOption.REPLACE_EXISTING);
    }
    ModelManifest.write(folder, notes);
  }

  private static float[] values(Tensor flat, Parameter parameter) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return Tensors.floats(flat.narrow(0, parameter.offset(), parameter.size()));
    }
  }
}
