package io.ballast.policy.core.sample;

import io.ballast.kit.call.ItemFault;

/** What one item of a batch gave. */
public sealed interface Outcome<T> {
  /** A value. */
  record Value<T>(T value) implements Outcome<T> {}

  /** Why there is none. */
  record Failed<T>(ItemFault fault) implements Outcome<T> {}
}
