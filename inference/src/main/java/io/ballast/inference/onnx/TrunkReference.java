package io.ballast.inference.onnx;

import java.util.Optional;

/**
 * Which decoder the heads stand on.
 *
 * @param model its name, such as {@code java-tiny}
 * @param version its version
 * @param weightsSha256 of its model.safetensors, lower-case hexadecimal; decides
 * @param text how it read the texts that the heads were trained on, which decides too; empty where
 *     it is not said: of versions that are older than the field, and of trunks that read no texts
 */
public record TrunkReference(
    String model, String version, String weightsSha256, Optional<TrunkText> text) {
  /** A trunk of which it is not said how it reads texts. */
  public TrunkReference(String model, String version, String weightsSha256) {
    this(model, version, weightsSha256, Optional.empty());
  }
}
