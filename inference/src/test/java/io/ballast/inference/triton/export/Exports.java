package io.ballast.inference.triton.export;

import com.google.protobuf.TextFormat;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kserve.v2.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The committed models that the tests export, and how an exported entry is read back. */
final class Exports {
  static final Path MODELS = Path.of("..", "models");

  private Exports() {}

  static Path trunk(TrunkReference reference) {
    return MODELS.resolve(reference.model()).resolve(reference.version());
  }

  static Version version(String name, long number) {
    return new Version(number, MODELS.resolve(name).resolve(Long.toString(number)));
  }

  /** The committed reward model, exported as {@code java-reward}. */
  static Path reward(Path repository, ExportOptions options) throws IOException {
    return new TritonExport(repository, options)
        .scoring("java-reward", List.of(version("java-reward", 1)), Exports::trunk);
  }

  /** An entry's {@code config.pbtxt}, read as Triton reads it. */
  static ModelConfig config(Path entry) throws IOException {
    return TextFormat.parse(Files.readString(entry.resolve("config.pbtxt")), ModelConfig.class);
  }

  static Map<String, String> parameters(ModelConfig config) {
    return config.getParametersMap().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().getStringValue()));
  }
}
