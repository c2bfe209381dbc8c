package io.ballast.reward.testing;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.RecipeReader;

/** Composites from JSON with single quotes. */
public final class Composites {
  /** The ensemble of {@link FakeEnsembles}, as a component has it. */
  public static final String LEARNED =
      "{'kind': 'learned', 'model': 'java-reward', 'version': '1', 'weights_sha256': '%s'}"
          .formatted("1".repeat(64));

  private Composites() {}

  /** Version 1 of {@code name}. */
  public static Composite composite(String name, String components, String reward) {
    return composite(name, "1", components, reward);
  }

  /** A version of {@code name}. */
  public static Composite composite(String name, String version, String components, String reward) {
    return new Composite(
        new PinnedVersion(name, version, "c".repeat(64)),
        RecipeReader.read(json(components, reward)));
  }

  /** A composite's file. */
  public static String json(String components, String reward) {
    return "{'format': 'ballast-composite', 'components': %s, 'reward': %s}"
        .formatted(components, reward)
        .replace('\'', '"');
  }
}
