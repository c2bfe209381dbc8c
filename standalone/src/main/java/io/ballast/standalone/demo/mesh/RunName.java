package io.ballast.standalone.demo.mesh;

import java.util.Locale;

/** The two runs of the demo. */
public enum RunName {
  /** Reward under the cost constraint; its candidate is promoted if it passes. */
  CONSTRAINED,
  /** Reward alone; its candidate is tested and never promoted. */
  REWARD_ONLY;

  /** The name in JSON, such as {@code reward_only}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The name for a person, such as {@code reward only}. */
  public String title() {
    return key().replace('_', ' ');
  }
}
