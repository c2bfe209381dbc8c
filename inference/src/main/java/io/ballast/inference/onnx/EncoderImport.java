package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;

/** Takes over somebody else's encoder: its files are copied and tried before anybody is served. */
public final class EncoderImport {
  private EncoderImport() {}

  /**
   * Copies an encoder's files and opens what came.
   *
   * @param files which, relative to {@code source}
   * @param target exists; files of these names in it are replaced
   * @param pooling what the numbers of tokens become a text's by; empty: as the files say, means of
   *     vectors where they say nothing; of a classifier's scores something must
   * @return what it turned out to be
   * @throws ModelException as {@link OnnxEncoder#open}; also INVALID_FOLDER if {@code pooling}
   *     contradicts the files, or the model pools by itself, whatever is said
   */
  public static EncoderDescription write(
      Path source, EncoderFiles files, Path target, Optional<Pooling> pooling) throws IOException {
    ModelManifest.read(source).ifPresent(manifest -> manifest.verify(source));
    for (Map.Entry<String, String> part : files.parts().entrySet()) {
      Path to = target.resolve(part.getKey());
      Files.createDirectories(to.resolveSibling(""));
      Files.copy(source.resolve(part.getValue()), to, StandardCopyOption.REPLACE_EXISTING);
    }
    if (pooling.isPresent()) {
      pool(target, pooling.get());
    }
    try (OnnxEncoder encoder = OnnxEncoder.open(target, EncoderOptions.defaults())) {
      EncoderDescription description = encoder.description();
      if (pooling.isPresent() && description.pooling().isEmpty()) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "pooling: the model pools itself, so that %s would change nothing (expected: none wanted)"
                .formatted(pooling.get().code()));
      }
      return description;
    }
  }

  private static void pool(Path target, Pooling wanted) throws IOException {
    Path config = target.resolve(EncoderFolder.POOLING);
    if (Files.exists(config)) {
      Optional<Pooling> said = EncoderFolder.read(target).pooling();
      if (!said.equals(Optional.of(wanted))) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s: %s (expected: as wanted, %s)"
                .formatted(
                    EncoderFolder.POOLING,
                    said.map(Pooling::code).orElse("no pooling_mode"),
                    wanted.code()));
      }
      return;
    }
    Files.createDirectories(config.resolveSibling(""));
    Files.writeString(config, "{\"%s\": true}\n".formatted(wanted.mode()));
  }
}
