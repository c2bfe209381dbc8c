package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.OnnxFeatureReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names the features of some labels under a trunk. */
final class TrunkFeatures {
  private TrunkFeatures() {}

  /** Returns a text that differs as soon as labels, weights or features do. */
  static String key(Path labels, OnnxFeatureReader reader) throws IOException {
    try {
      byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(labels));
      return HexFormat.of().formatHex(sum)
          + " "
          + reader.trunkWeightsSha256()
          + " "
          + reader.features();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
