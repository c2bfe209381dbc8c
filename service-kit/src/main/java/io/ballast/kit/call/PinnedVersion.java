package io.ballast.kit.call;

/**
 * One version of a model and the weights that it stands for.
 *
 * @param model the model's name
 * @param version the version within the model
 * @param weightsSha256 SHA-256 of the weights, 64 lower-case hexadecimal digits
 */
public record PinnedVersion(String model, String version, String weightsSha256) {
  /** Whether both have the same name and version, and other weights: one took the other's place. */
  public boolean differsInWeights(PinnedVersion other) {
    return model.equals(other.model)
        && version.equals(other.version)
        && !weightsSha256.equals(other.weightsSha256);
  }
}
