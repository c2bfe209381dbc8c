package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Path;

/** Names the features of some labels under a trunk. */
final class TrunkFeatures {
  private TrunkFeatures() {}

  /** Returns a text that differs as soon as labels, weights or features do. */
  static String key(Path labels, OnnxFeatureReader reader) throws IOException {
    return Sha256.of(labels) + " " + reader.trunkWeightsSha256() + " " + reader.features();
  }
}
