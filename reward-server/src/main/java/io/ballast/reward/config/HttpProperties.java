package io.ballast.reward.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How rewards are answered over HTTP, {@code ballast.reward.http.*}. */
public interface HttpProperties {
  /** Whether {@code /get_reward} and {@code /classify} are there. */
  @WithDefault("true")
  boolean enabled();

  /** How long a request may take that does not say, and the most that one may say. */
  @WithDefault("PT60S")
  Duration timeout();

  /** The longest body taken, 1 to 10,485,760: this process's HTTP port takes no more. */
  @WithDefault("8388608")
  int maxBodyBytes();

  /** The most bytes of bodies at once, at least those of the longest. */
  @WithDefault("67108864")
  int maxHeldBytes();
}
