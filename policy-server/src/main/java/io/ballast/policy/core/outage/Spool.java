package io.ballast.policy.core.outage;

import java.util.Optional;
import java.util.UUID;

/** Keeps things durably, in the order in which they came, until they are taken out. Thread-safe. */
public interface Spool {
  /**
   * What answers for the key of an event that waits.
   *
   * @param eventId the id that its sender was told
   * @param fingerprint of what was sent
   */
  record Kept(UUID eventId, String fingerprint) {
    /** What answers for {@code event}. */
    public static Kept of(Spooled.Feedback event) {
      return new Kept(event.eventId(), event.command().fingerprint());
    }
  }

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
  Kept keep(Spooled.Feedback event);

  /** The event that waits under this tenant's key. */
  Optional<Kept> waiting(String tenant, String key);

  /** What has waited longest. */
  Optional<Spooled> first();

  /** Forgets {@code first}, which has waited longest; a crash may bring it back. */
  void remove(Spooled first);

  /** How many things wait. */
  int waiting();
}
