package io.ballast.kit.call;

/**
 * Which model is meant: a version, or whatever an alias points to.
 *
 * @param model empty: the default model
 * @param kind what {@code name} is
 * @param name the version's or the alias's name, never empty
 */
public record VersionSelector(String model, Kind kind, String name) {
  /** The alias that is meant when nothing is said. */
  public static final String SERVING = "serving";

  /** What a selector names. */
  public enum Kind {
    VERSION,
    ALIAS
  }

  /** Selects {@code version} of {@code model}. */
  public static VersionSelector version(String model, String version) {
    return new VersionSelector(model, Kind.VERSION, version);
  }

  /** Selects what {@code alias} of {@code model} points to. */
  public static VersionSelector alias(String model, String alias) {
    return new VersionSelector(model, Kind.ALIAS, alias);
  }
}
