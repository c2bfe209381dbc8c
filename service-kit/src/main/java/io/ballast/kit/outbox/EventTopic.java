package io.ballast.kit.outbox;

import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Where events are published. */
public interface EventTopic extends AutoCloseable {
  /**
   * Publishes {@code events} in their order; returns once they are durable there.
   *
   * @return those that can never be published, with the reason
   * @throws TopicAwayException if it is not known of all whether they are durable; all are to be
   *     published again
   */
  Map<UUID, String> publish(List<OutboxEvent> events);

  @Override
  void close();
}
