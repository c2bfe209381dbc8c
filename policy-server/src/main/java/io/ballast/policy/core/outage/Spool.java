package io.ballast.policy.core.outage;

import java.util.Optional;

/** Keeps things durably, in the order in which they came, until they are taken out. Thread-safe. */
public interface Spool {
  /**
   * Keeps a decision; returns once it is durable.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if there is no room, or the disk
   *     fails
   */
  void keep(Spooled.Decision decision);

  /**
   * Keeps an event once for its tenant and key; returns once it is durable.
   *
   * @return what is kept under that key: {@code event}, or what came before it
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if there is no room, or the disk
   *     fails
   */
  Spooled.Feedback keep(Spooled.Feedback event);

  /** The event that waits under this tenant's key. */
  Optional<Spooled.Feedback> waiting(String tenant, String key);

  /** What has waited longest. */
  Optional<Spooled> first();

  /** Forgets {@code first}, which has waited longest; a crash may bring it back. */
  void remove(Spooled first);

  /** How many things wait. */
  int waiting();
}
