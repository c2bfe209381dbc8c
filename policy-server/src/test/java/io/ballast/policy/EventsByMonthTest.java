package io.ballast.policy;

import static io.ballast.policy.testing.StoredEvents.TENANT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.policy.adapter.PostgresMonths;
import io.ballast.policy.core.feedback.DeletionCommand;
import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.FeedbackStore.JoinedRecord;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.StoredEvents;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Suggestions and events are kept by month, and nothing about them depends on which. */
class EventsByMonthTest {
  private static final Instant MAY_BEGINS = Instant.parse("2019-05-01T00:00:00Z");
  private static final Instant JUNE_BEGINS = Instant.parse("2019-06-01T00:00:00Z");
  private static final Instant JULY_BEGINS = Instant.parse("2019-07-01T00:00:00Z");
  private static final Instant AUGUST_BEGINS = Instant.parse("2019-08-01T00:00:00Z");
  private static final int CALLERS = 16;

  private final TestDatabase database = TestDatabase.ofItsOwn();
  private final PostgresMonths months = new PostgresMonths(database);
  private final StoredEvents stored = new StoredEvents(database);

  @Test
  void eachMonthHasItsPartitionToTheMillisecond() {
    assertThat(months.make(MAY_BEGINS.plus(Duration.ofDays(14)))).isEqualTo(3);
    assertThat(months.make(MAY_BEGINS)).as("they are there").isZero();

    Map<Instant, String> expected =
        Map.of(
            MAY_BEGINS.minusMillis(1),
            "default",
            MAY_BEGINS,
            "2019_05",
            JUNE_BEGINS.minusMillis(1),
            "2019_05",
            JUNE_BEGINS,
            "2019_06",
            JULY_BEGINS.minusMillis(1),
            "2019_06",
            JULY_BEGINS,
            "2019_07",
            AUGUST_BEGINS.minusMillis(1),
            "2019_07",
            AUGUST_BEGINS,
            "default");
    expected.forEach(
        (time, month) -> {
          UUID id = stored.suggest(time);
          assertThat(partition("suggestion", id)).isEqualTo("suggestion_" + month);
          // told later, it is with its suggestion all the same
          stored.accept(id, AUGUST_BEGINS, "key-" + id);
          assertThat(partition("feedback_event", id)).isEqualTo("feedback_event_" + month);
        });

    UUID without = new UUID(1, 2);
    stored.keep(without, MAY_BEGINS);
    assertThat(partition("suggestion", without)).isEqualTo("suggestion_default");
  }

  @Test
  void aMonthIsNamedByItsFirstDay() {
    assertThatThrownBy(() -> one("select make_event_month('2019-05-02')", Boolean.class))
        .hasMessageContaining("month: 2019-05-02 (expected: its first day)");
  }

  @Test
  void whatCameBeforeItsMonthMovesIntoIt() {
    UUID may = stored.suggest(JUNE_BEGINS.minusMillis(1));
    UUID june = stored.suggest(JUNE_BEGINS);
    Appended kept = stored.accept(june, JUNE_BEGINS, "june");
    stored.accept(may, JUNE_BEGINS, "may");
    UUID early = stored.id(JULY_BEGINS);
    stored.acceptEarly(early, JULY_BEGINS, "early");
    assertThat(partition("suggestion", june)).isEqualTo("suggestion_default");
    List<JoinedRecord> records = records();
    assertThat(records).hasSize(2);
    List<String> rows = rows();

    assertThat(months.make(JUNE_BEGINS)).isEqualTo(3);

    assertThat(partition("suggestion", may)).isEqualTo("suggestion_default");
    assertThat(partition("feedback_event", may)).isEqualTo("feedback_event_default");
    assertThat(partition("suggestion", june)).isEqualTo("suggestion_2019_06");
    assertThat(partition("feedback_event", june)).isEqualTo("feedback_event_2019_06");
    assertThat(partition("feedback_event", early)).isEqualTo("feedback_event_2019_07");
    assertThat(rows()).isEqualTo(rows);
    assertThat(records()).isEqualTo(records);
    assertThat(kept).isInstanceOf(Appended.Kept.class);
    assertThat(stored.accept(june, JULY_BEGINS, "june"))
        .isEqualTo(new Appended.Repeated(records.getFirst().eventId(), "of " + june, true));
    stored.keep(early, JULY_BEGINS);
    assertThat(records()).hasSize(3);
  }

  @Test
  void serversMakeMonthsAtOnce() throws Exception {
    List<Callable<Integer>> servers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      servers.add(() -> new PostgresMonths(database).make(MAY_BEGINS));
    }

    assertThat(all(servers).stream().mapToInt(Integer::intValue).sum()).isEqualTo(3);
  }

  @Test
  void aKeyIsOneEventsAcrossMonthsAlsoOfManyAtOnce() throws Exception {
    months.make(MAY_BEGINS);
    UUID may = stored.suggest(JUNE_BEGINS.minusMillis(1));
    UUID june = stored.suggest(JUNE_BEGINS);
    List<Callable<Appended>> calls = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      UUID suggestion = i % 2 == 0 ? may : june;
      calls.add(() -> stored.accept(suggestion, JUNE_BEGINS, "key"));
    }

    List<Appended> answers = all(calls);

    assertThat(answers).filteredOn(Appended.Kept.class::isInstance).hasSize(1);
    UUID event = one("select event_id from feedback_event", UUID.class);
    UUID suggestion = one("select suggestion_id from feedback_event", UUID.class);
    assertThat(answers)
        .filteredOn(answer -> !(answer instanceof Appended.Kept))
        .containsOnly(new Appended.Repeated(event, "of " + suggestion, true));
    assertThat(one("select count(*) from feedback_key", Integer.class)).isEqualTo(1);
  }

  @Test
  void aRepetitionInTheNextMonthIsTheSameEvent() {
    try (TestMesh mesh = TestMesh.startOn(new FakeModels(), database)) {
      mesh.server.keepMonths();
      String first = mesh.suggest("a").getSuggestionId();
      RecordFeedbackResponse november = accept(mesh, first);
      mesh.clock.advance(Duration.ofDays(7));

      RecordFeedbackResponse december = accept(mesh, first);

      assertThat(december.getDuplicate()).isTrue();
      assertThat(december.getEventId()).isEqualTo(november.getEventId());
      String second = mesh.suggest("b").getSuggestionId();
      assertThat(partition("suggestion", UUID.fromString(first))).isEqualTo("suggestion_2026_11");
      assertThat(partition("suggestion", UUID.fromString(second))).isEqualTo("suggestion_2026_12");
      assertThatThrownBy(() -> accept(mesh, second))
          .hasMessageContaining("metadata.idempotency_key: 'key' was used for another event");
    }
  }

  @Test
  void whatIsRefusedLeavesItsKeyFree() {
    UUID none = stored.id(MAY_BEGINS);
    assertThat(stored.accept(none, MAY_BEGINS, "key")).isEqualTo(new Appended.NoSuggestion());

    UUID there = stored.suggest(MAY_BEGINS);

    assertThat(stored.accept(there, MAY_BEGINS, "key")).isInstanceOf(Appended.Kept.class);
  }

  @Test
  void aKeyGoesWithItsEvent() {
    months.make(MAY_BEGINS);
    UUID gone = stored.suggest(MAY_BEGINS);
    UUID stays = stored.suggest(JUNE_BEGINS);
    stored.accept(gone, JUNE_BEGINS, "gone");
    stored.accept(stays, JUNE_BEGINS, "stays");

    var unused =
        stored.data.delete(
            new DeletionCommand(
                new Caller("request", TENANT, Lane.INTERACTIVE, ""),
                "",
                List.of(gone),
                "Grace",
                "request 17 of 24 November"));

    assertThat(one("select string_agg(idempotency_key, ',') from feedback_key", String.class))
        .isEqualTo("stays");
  }

  @Test
  void monthsThatHaveNothingAnyMoreAreDropped() {
    months.make(MAY_BEGINS);
    UUID may = stored.suggest(MAY_BEGINS);
    stored.accept(may, JUNE_BEGINS, "key");

    // June has nothing; July is not over
    assertThat(months.dropEmpty(JULY_BEGINS.plus(Duration.ofDays(14)))).isEqualTo(1);
    assertThat(partition("suggestion", may)).isEqualTo("suggestion_2019_05");

    assertThat(stored.data.deleteOlder(JULY_BEGINS, 500)).isEqualTo(2);
    assertThat(months.dropEmpty(JULY_BEGINS.plus(Duration.ofDays(14)))).isEqualTo(1);
    assertThat(one("select to_regclass('suggestion_2019_07') is not null", Boolean.class)).isTrue();
    assertThat(one("select to_regclass('feedback_event_2019_05') is null", Boolean.class)).isTrue();

    // what comes late all the same has a place
    assertThat(partition("suggestion", stored.suggest(MAY_BEGINS))).isEqualTo("suggestion_default");
  }

  private static RecordFeedbackResponse accept(TestMesh mesh, String suggestion) {
    return mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "key"))
                .setEvent(
                    FeedbackEvent.newBuilder()
                        .setSuggestionId(suggestion)
                        .setAccepted(Accepted.getDefaultInstance()))
                .build());
  }

  private List<JoinedRecord> records() {
    return stored.events.read(TENANT, 0, Optional.empty(), new PageLimit(100, 1 << 20));
  }

  /** All of both tables and of the keys, wherever it is. */
  private List<String> rows() {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select suggestion::text from suggestion
                        union all select feedback_event::text from feedback_event
                        union all select feedback_key::text from feedback_key order by 1""")
                    .mapTo(String.class)
                    .list());
  }

  private String partition(String table, UUID suggestion) {
    return one(
        "select tableoid::regclass from %s where suggestion_id = '%s'".formatted(table, suggestion),
        String.class);
  }

  private <T> T one(String query, Class<T> type) {
    return database.jdbi().withHandle(handle -> handle.createQuery(query).mapTo(type).one());
  }

  private static <T> List<T> all(List<Callable<T>> calls) throws Exception {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<T> results = new ArrayList<>();
      for (Future<T> future : executor.invokeAll(calls)) {
        results.add(future.get());
      }
      return results;
    }
  }
}
