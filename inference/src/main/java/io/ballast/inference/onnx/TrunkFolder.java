package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A decoder's folder whose checksums were compared.
 *
 * @param folder a Hugging Face folder
 * @param config its shape
 * @param weightsSha256 of its model.safetensors
 */
record TrunkFolder(Path folder, DecoderConfig config, String weightsSha256) {
  /**
   * Opens a folder.
   *
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS
   */
  static TrunkFolder open(Path folder) {
    Optional<ModelManifest> manifest = ModelManifest.read(folder);
    manifest.ifPresent(present -> present.verify(folder));
    DecoderConfig config = DecoderConfig.read(folder);
    return new TrunkFolder(
        folder,
        config,
        manifest.flatMap(ModelManifest::weightsSha256).orElseGet(() -> computed(folder)));
  }

  private static String computed(Path folder) {
    Path file = folder.resolve(ModelManifest.WEIGHTS);
    try {
      return Sha256.of(file);
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }
}
