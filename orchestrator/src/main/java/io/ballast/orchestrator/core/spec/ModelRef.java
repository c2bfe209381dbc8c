package io.ballast.orchestrator.core.spec;

/**
 * A model at one version.
 *
 * @param model its name
 * @param version pinned
 */
public record ModelRef(String model, String version) {
  @Override
  public String toString() {
    return model + "/" + version;
  }
}
