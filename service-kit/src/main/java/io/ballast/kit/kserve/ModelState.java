package io.ballast.kit.kserve;

/**
 * Whether one version of a model takes inferences.
 *
 * @param reason why it does not; empty if it does
 */
public record ModelState(String model, String version, boolean ready, String reason) {
  /** One that does. */
  public static ModelState ready(String model, String version) {
    return new ModelState(model, version, true, "");
  }
}
