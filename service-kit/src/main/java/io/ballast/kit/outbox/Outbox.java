package io.ballast.kit.outbox;

import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** Takes the events of one service. */
@FunctionalInterface
public interface Outbox {
  /**
   * Adds an event in the transaction of {@code handle}: it is published if that commits, and only
   * then. Events of one subject are published in the order of their transactions as far as these
   * wait for each other; of two at the same moment either may come first.
   *
   * @param event asked for only if somebody is to be told
   */
  void add(Handle handle, Supplier<OutboxEvent> event);

  /** An outbox for a service whose events nobody wants. */
  static Outbox none() {
    return (_, _) -> {};
  }
}
