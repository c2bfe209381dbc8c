package io.ballast.orchestrator.core;

/**
 * Which version of a model is meant.
 *
 * @param model the model's name; empty: the default model
 * @param name a version, or an alias
 * @param alias whether {@code name} is an alias
 */
public record VersionSelector(String model, String name, boolean alias) {
  /** The alias that applications are served from. */
  public static final String SERVING = "serving";

  /** A version exactly. */
  public static VersionSelector version(String model, String version) {
    return new VersionSelector(model, version, false);
  }

  /** Whatever an alias points to. */
  public static VersionSelector alias(String model, String alias) {
    return new VersionSelector(model, alias, true);
  }

  @Override
  public String toString() {
    return model + (alias ? "@" : "/") + name;
  }
}
