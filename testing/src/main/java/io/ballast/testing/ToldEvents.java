package io.ballast.testing;

import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.kit.outbox.PostgresOutbox;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Jdbi;

/** What a server would have told others, taken from its outbox. */
public final class ToldEvents {
  private ToldEvents() {}

  /** Takes what lies in the outbox, oldest first: nothing of it is there afterwards. */
  public static List<OutboxEvent> take(Jdbi database) {
    List<OutboxEvent> told = new ArrayList<>();
    var unused =
        new PostgresOutbox(database)
            .passOn(
                1_000,
                events -> {
                  told.addAll(events);
                  return Map.of();
                });
    return told;
  }
}
