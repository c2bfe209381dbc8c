package io.ballast.kit.call;

import java.util.Comparator;

/**
 * One version of a model and the weights that it stands for.
 *
 * @param model the model's name
 * @param version the version within the model
 * @param weightsSha256 SHA-256 of the weights, 64 lower-case hexadecimal digits
 */
public record PinnedVersion(String model, String version, String weightsSha256) {
  /** Versions by their names, the newest last: 10 is newer than 9. */
  public static final Comparator<String> BY_AGE =
      Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());

  /** Whether both have the same name and version, and other weights: one took the other's place. */
  public boolean differsInWeights(PinnedVersion other) {
    return model.equals(other.model)
        && version.equals(other.version)
        && !weightsSha256.equals(other.weightsSha256);
  }

  /** As people write it, without the weights. */
  @Override
  public String toString() {
    return model + "/" + version;
  }
}
