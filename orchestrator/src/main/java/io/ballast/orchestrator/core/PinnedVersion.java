package io.ballast.orchestrator.core;

/**
 * One version of a model, exactly.
 *
 * @param model the model's name
 * @param version the version within the model
 * @param weightsSha256 checksum of its weights, 64 lower-case hexadecimal digits
 */
public record PinnedVersion(String model, String version, String weightsSha256) {
  @Override
  public String toString() {
    return model + "/" + version;
  }
}
