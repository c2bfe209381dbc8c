package io.ballast.inference.triton;

import com.google.protobuf.TextFormat;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.PlainScorer;
import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.triton.export.ExportedScoring;
import io.ballast.kserve.v2.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Opens an exported scoring model in this process: the very folder of a model repository that a
 * Triton serves, with its configuration and its ONNX file.
 */
public final class ExportedScorer {
  private static final String CONFIG = "config.pbtxt";
  private static final String MODEL = "model.onnx";

  private ExportedScorer() {}

  /**
   * Opens a version, its files compared with the checksums that were written with them.
   *
   * @param entry the model's folder in the repository
   * @param version its number there
   * @param threads of one run, ≥ 1
   * @throws ModelException INVALID_FOLDER if a file is missing, or the configuration tells of no
   *     such version; CORRUPT_WEIGHTS if a checksum differs; BROKEN if the engine refuses it
   */
  public static PlainScorer open(Path entry, String version, int threads) {
    Path config = entry.resolve(CONFIG);
    Path model = entry.resolve(version).resolve(MODEL);
    for (Path file : new Path[] {config, model}) {
      if (!Files.isRegularFile(file)) {
        throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
      }
    }
    ModelManifest.read(entry).ifPresent(manifest -> manifest.verify(entry));
    try {
      PlainScoring plain =
          ExportedScoring.read(
              ServedScoring.parameters(
                  TextFormat.parse(Files.readString(config), ModelConfig.class)),
              version);
      return PlainScorer.open(model, plain, threads);
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, config + ": " + e.getMessage(), e);
    }
  }
}
