package io.ballast.reward.component;

import java.util.Optional;

/** The remote rewards that the operator has named. Thread-safe. */
@FunctionalInterface
public interface RemoteRewards extends AutoCloseable {
  /** The one of this name. */
  Optional<RemoteReward> find(String name);

  @Override
  default void close() {}
}
