package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

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
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    DecoderConfig config = DecoderConfig.read(folder);
    return new TrunkFolder(folder, config, sha256(folder.resolve(ModelManifest.WEIGHTS)));
  }

  /** Returns the SHA-256 of a text's UTF-8 bytes, lower-case hexadecimal. */
  static String sha256(String text) {
    return HexFormat.of().formatHex(digest().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String sha256(Path file) {
    MessageDigest digest = digest();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
