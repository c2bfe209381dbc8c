package io.ballast.bulk;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import java.io.Serializable;

/**
 * The one version that scores the whole data set, resumed or not.
 *
 * @param model its name
 * @param version within the model
 * @param weightsSha256 of its weights
 */
record PinnedModel(String model, String version, String weightsSha256) implements Serializable {
  static PinnedModel of(ModelVersion version) {
    return new PinnedModel(version.getModel(), version.getVersion(), version.getWeightsSha256());
  }

  ModelSelector selector() {
    return ModelSelector.newBuilder().setModel(model).setVersion(version).build();
  }

  /**
   * Looks at who answered.
   *
   * @throws StoppedException if it was another version, or other weights under its name
   */
  void check(ModelVersion answered) throws StoppedException {
    PinnedModel other = of(answered);
    if (!other.equals(this)) {
      throw new StoppedException(
          4,
          "answered by %s, weights %s (expected: %s, weights %s, which scored the rows before)"
              .formatted(other, other.weightsSha256, this, weightsSha256));
    }
  }

  @Override
  public String toString() {
    return model + "/" + version;
  }
}
