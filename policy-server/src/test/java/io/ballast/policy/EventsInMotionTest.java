package io.ballast.policy;

import static io.ballast.policy.testing.StoredEvents.TENANT;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.policy.adapter.PostgresMonths;
import io.ballast.policy.core.feedback.DeletionCommand;
import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.FeedbackStore.JoinedRecord;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.testing.StoredEvents;
import io.ballast.policy.testing.TestDatabase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jdbi.v3.core.JdbiException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers are told, and read, while rows move to their month or are deleted. */
@Timeout(60)
class EventsInMotionTest {
  private static final Instant JUNE_BEGINS = Instant.parse("2019-06-01T00:00:00Z");
  private static final int MONTHS = 3; // those that are made at once
  private static final String PARTITIONS = "pg_inherits where inhparent = 'suggestion'::regclass";
  private static final int WRITERS = 3;
  private static final int ALREADY_THERE = 300;
  private static final PageLimit PAGE = new PageLimit(7, 1 << 20);
  private static final int REPETITIONS = 30;

  private final TestDatabase database = TestDatabase.ofItsOwn();
  private final StoredEvents stored = new StoredEvents(database);

  private UUID told(Set<UUID> events) {
    UUID suggestion = stored.suggest(JUNE_BEGINS);
    if (stored.accept(suggestion, JUNE_BEGINS, "of " + suggestion) instanceof Appended.Kept) {
      events.add(suggestion);
    }
    return suggestion;
  }

  @Test
  void whoReadsAndWritesWhileRowsMoveMissesNothingAndReadsNothingTwice() throws Exception {
    Set<UUID> written = ConcurrentHashMap.newKeySet();
    for (int i = 0; i < ALREADY_THERE; i++) {
      told(written);
    }
    AtomicBoolean moved = new AtomicBoolean();
    AtomicBoolean over = new AtomicBoolean();
    List<JoinedRecord> read;
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> writers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        writers.add(
            executor.submit(
                () -> {
                  while (!moved.get()) {
                    told(written);
                  }
                }));
      }
      Future<List<JoinedRecord>> reader = executor.submit(() -> follow(over));

      move();
      moved.set(true);
      for (Future<?> writer : writers) {
        writer.get();
      }
      over.set(true);
      read = reader.get();
    }

    assertThat(written).hasSizeGreaterThan(ALREADY_THERE);
    assertThat(read).extracting(JoinedRecord::position).isSorted().doesNotHaveDuplicates();
    assertThat(read).extracting(JoinedRecord::eventId).doesNotHaveDuplicates();
    assertThat(read).hasSameSizeAs(written);
    assertThat(count("feedback_event")).isEqualTo(written.size());
    assertThat(count("feedback_event_2019_06")).isEqualTo(written.size());
  }

  /** Makes months as servers do: again later, if others hold the tables. */
  private void move() {
    PostgresMonths months = new PostgresMonths(database);
    int before = count(PARTITIONS);
    while (count(PARTITIONS) < before + MONTHS) {
      try {
        var unused = months.make(JUNE_BEGINS);
      } catch (JdbiException e) {
        assertThat(e).hasMessageContaining("lock timeout");
      }
    }
  }

  /** Follows the stream, to its end once nobody writes. */
  private List<JoinedRecord> follow(AtomicBoolean over) {
    List<JoinedRecord> read = new ArrayList<>();
    while (true) {
      boolean last = over.get();
      long position = read.isEmpty() ? 0 : read.getLast().position();
      List<JoinedRecord> page = stored.events.read(TENANT, position, Optional.empty(), PAGE);
      if (last && page.isEmpty()) {
        return read;
      }
      read.addAll(page);
    }
  }

  private int count(String from) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery("select count(*) from " + from).mapTo(Integer.class).one());
  }

  @Test
  void anEventThatIsDeletedWhileItIsSentAgainIsThereOrNotAndNobodysError() throws Exception {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < REPETITIONS; i++) {
        UUID suggestion = stored.suggest(JUNE_BEGINS);
        String key = "key " + i;
        assertThat(stored.accept(suggestion, JUNE_BEGINS, key)).isInstanceOf(Appended.Kept.class);
        Callable<Appended> again = () -> stored.acceptEarly(suggestion, JUNE_BEGINS, key);
        Callable<Appended> deleted =
            () -> {
              var unused =
                  stored.data.delete(
                      new DeletionCommand(
                          new Caller("request", TENANT, Lane.INTERACTIVE, ""),
                          "",
                          List.of(suggestion),
                          "Grace",
                          "request 17 of 24 November"));
              return again.call();
            };

        for (Future<Appended> answer : executor.invokeAll(List.of(again, deleted, again))) {
          assertThat(answer.get()).isInstanceOfAny(Appended.Kept.class, Appended.Repeated.class);
        }
      }
    }
  }
}
