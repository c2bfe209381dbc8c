package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestionRecord;
import io.grpc.Context;
import io.grpc.Status;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Feedback is kept exactly once, joined however early or late, and streamed without a gap. */
class FeedbackTest {
  private final TestMesh mesh = TestMesh.start();

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void anEventIsKeptAndJoined() {
    String suggestion = mesh.suggest("a").getSuggestionId();

    RecordFeedbackResponse receipt = record("key", accepted(suggestion));

    assertThat(receipt.getJoined()).isTrue();
    assertThat(receipt.getDuplicate()).isFalse();
    FeedbackEvent stored = history("", suggestion).getEvents(0);
    assertThat(stored.hasAccepted()).isTrue();
    assertThat(stored.getEventTime().getSeconds()).isEqualTo(TestClock.START.getEpochSecond());
  }

  @Test
  void whatIsKeptIsCountedOnceWithHowLongItTook() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    mesh.clock.advance(Duration.ofMinutes(5));

    record("key", accepted(suggestion));
    record("key", accepted(suggestion));

    assertThat(mesh.meters.get("ballast.policy.feedback").tag("kind", "accepted").counter().count())
        .isEqualTo(1);
    assertThat(mesh.meters.get("ballast.policy.feedback").tag("kind", "rejected").counter().count())
        .isZero();
    Timer delay = mesh.meters.get("ballast.policy.feedback.delay").timer();
    assertThat(delay.count()).isEqualTo(1);
    assertThat(delay.max(TimeUnit.MINUTES)).isEqualTo(5);
  }

  @Test
  void aRepetitionChangesNothingAndGetsTheSameId() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    RecordFeedbackResponse first = record("key", accepted(suggestion));
    mesh.clock.advance(Duration.ofDays(2));

    RecordFeedbackResponse again = record("key", accepted(suggestion));

    assertThat(again.getEventId()).isEqualTo(first.getEventId());
    assertThat(again.getDuplicate()).isTrue();
    assertThat(history("", suggestion).getEventsList()).hasSize(1);
  }

  @Test
  void anotherEventUnderTheSameKeyIsRefused() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    record("key", accepted(suggestion));

    assertFails(
        () -> record("key", rejected(suggestion)),
        Status.Code.INVALID_ARGUMENT,
        Fault.MALFORMED_REQUEST,
        "metadata.idempotency_key: 'key' was used for another event");
  }

  @Test
  void theSameKeyOfAnotherTenantIsAnotherKey() {
    String one = suggestFor("one");
    String two = suggestFor("two");

    assertThat(recordFor("one", "key", accepted(one)).getDuplicate()).isFalse();
    assertThat(recordFor("two", "key", rejected(two)).getDuplicate()).isFalse();
  }

  @Test
  void ofManyEqualEventsAtOnceOneIsKept() throws Exception {
    String suggestion = mesh.suggest("a").getSuggestionId();
    List<Callable<RecordFeedbackResponse>> calls = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      calls.add(() -> record("key", accepted(suggestion)));
    }

    List<RecordFeedbackResponse> receipts = new ArrayList<>();
    for (Future<RecordFeedbackResponse> future : all(calls)) {
      receipts.add(future.get());
    }

    assertThat(receipts)
        .extracting(RecordFeedbackResponse::getEventId)
        .containsOnly(receipts.getFirst().getEventId());
    assertThat(receipts).filteredOn(receipt -> !receipt.getDuplicate()).hasSize(1);
    assertThat(history("", suggestion).getEventsList()).hasSize(1);
  }

  @Test
  void aSuggestionOfAnotherTenantDoesNotExist() {
    String foreign = suggestFor("one");

    assertFails(
        () -> recordFor("two", "key", accepted(foreign)),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_RESOURCE,
        "no suggestion " + foreign);
    assertFails(
        () -> history("two", foreign),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_RESOURCE,
        "no suggestion " + foreign);
    assertThat(events()).isZero();
  }

  @Test
  void feedbackThatOvertakesItsSuggestionIsJoinedWhenThatArrives() {
    String early = idIssuedAt(TestClock.START.minusSeconds(1));
    RecordFeedbackResponse receipt = record("key", accepted(early));
    assertThat(receipt.getJoined()).isFalse();
    assertThat(records("")).isEmpty();

    storeSuggestion(early, "default");

    assertThat(record("key", accepted(early)).getJoined()).isTrue();
    assertThat(records(""))
        .singleElement()
        .satisfies(
            record -> assertThat(record.getRecord().getEventId()).isEqualTo(receipt.getEventId()));
  }

  @Test
  void earlyFeedbackOfAnotherTenantIsNeverJoined() {
    String early = idIssuedAt(TestClock.START.minusSeconds(1));
    recordFor("thief", "key", accepted(early));

    storeSuggestion(early, "owner");

    assertThat(records("thief")).isEmpty();
    assertThat(records("owner")).isEmpty();
    assertThat(history("owner", early).getEventsList()).isEmpty();
  }

  @Test
  void anIdThatNoServerCouldHaveIssuedJustNowIsUnknown() {
    List<String> impossible =
        List.of(
            idIssuedAt(TestClock.START.minus(Duration.ofHours(24)).minusMillis(1)),
            idIssuedAt(TestClock.START.plusSeconds(6)),
            new UUID(1, 2).toString(),
            UUID.nameUUIDFromBytes(new byte[] {1}).toString());

    for (String id : impossible) {
      assertFails(
          () -> record("key", accepted(id)),
          Status.Code.NOT_FOUND,
          Fault.UNKNOWN_RESOURCE,
          "no suggestion " + id);
    }
    assertThat(events()).isZero();
  }

  @Test
  void lateFeedbackIsTakenHoweverLate() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    mesh.clock.advance(Duration.ofDays(400));

    assertThat(record("key", accepted(suggestion)).getJoined()).isTrue();
  }

  @Test
  void aTrainingRecordHasTheSuggestionWithItsVersionAndLogProbabilities() {
    String suggestion = mesh.suggest("the prompt").getSuggestionId();
    record(
        "key",
        FeedbackEvent.newBuilder()
            .setSuggestionId(suggestion)
            .setEdited(Edited.newBuilder().setKeptCharacters(4))
            .build());

    SuggestionRecord joined = records("").getFirst().getRecord().getSuggestion();
    assertThat(joined.getPrompt()).isEqualTo("the prompt");
    assertThat(joined.getResponse().getPolicyVersion().getVersion()).isEqualTo("1");
    assertThat(joined.getResponse().getPropensity()).isEqualTo(1);
    assertThat(joined.getCompletion().getLogProbsCount()).isPositive();
    assertThat(records("").getFirst().getRecord().getEvent().getEdited().getKeptCharacters())
        .isEqualTo(4);
  }

  @Test
  void aStreamGoesOnAfterAnyCursor() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    for (int i = 0; i < 5; i++) {
      record("key-" + i, accepted(suggestion));
    }

    List<StreamTrainingRecordsResponse> all = records("");
    assertThat(all).hasSize(5);
    for (int i = 0; i < all.size(); i++) {
      assertThat(stream(query("").setAfterCursor(all.get(i).getCursor())))
          .isEqualTo(all.subList(i + 1, all.size()));
    }
    assertThat(stream(query("").setMaxRecords(2))).isEqualTo(all.subList(0, 2));
    assertThat(records("")).isEqualTo(all);
  }

  @Test
  void aStreamHasOnlyTheTenantsOwnRecords() {
    recordFor("one", "key", accepted(suggestFor("one")));
    recordFor("two", "key", accepted(suggestFor("two")));

    assertThat(records("one"))
        .singleElement()
        .satisfies(r -> assertThat(r.getRecord().getSuggestion().getTenant()).isEqualTo("one"));
    String ofAnother = records("one").getFirst().getCursor();
    assertThat(stream(query("two").setAfterCursor(ofAnother)))
        .as("a place that another tenant learned shows none of that tenant's records")
        .allSatisfy(r -> assertThat(r.getRecord().getSuggestion().getTenant()).isEqualTo("two"))
        .hasSize(1);
  }

  @Test
  void anEventCommittedAfterALaterOneIsNotMissed() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    try (Handle slow = mesh.database.jdbi().open()) {
      slow.begin();
      insertEvent(slow, suggestion, "slow"); // draws its arrival number first, commits last
      record("quick", accepted(suggestion));
      List<StreamTrainingRecordsResponse> before = records("");
      assertThat(before).hasSize(1);

      slow.commit();

      assertThat(stream(query("").setAfterCursor(before.getFirst().getCursor()))).hasSize(1);
    }
  }

  @Test
  void aReaderThatResumesFromItsLastCursorSeesEachRecordOnceWhileWritersCommit() throws Exception {
    int writers = 4;
    int each = 25;
    String suggestion = mesh.suggest("a").getSuggestionId();
    AtomicInteger writing = new AtomicInteger(writers);
    List<Callable<List<String>>> tasks = new ArrayList<>();
    for (int w = 0; w < writers; w++) {
      int writer = w;
      tasks.add(
          () -> {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < each; i++) {
              ids.add(record(writer + "-" + i, accepted(suggestion)).getEventId());
            }
            writing.decrementAndGet();
            return ids;
          });
    }
    Callable<List<String>> reader =
        () -> {
          List<String> seen = new ArrayList<>();
          String cursor = "";
          boolean last = false;
          while (!last) {
            last = writing.get() == 0; // looks once more after the last commit
            for (var record : stream(query("").setAfterCursor(cursor).setMaxRecords(7))) {
              seen.add(record.getRecord().getEventId());
              cursor = record.getCursor();
              last = false;
            }
          }
          return seen;
        };
    tasks.add(reader);
    tasks.add(reader);

    List<Future<List<String>>> results = all(tasks);

    List<String> written = new ArrayList<>();
    for (Future<List<String>> writer : results.subList(0, writers)) {
      written.addAll(writer.get());
    }
    List<String> firstReader = results.get(writers).get();
    List<String> secondReader = results.get(writers + 1).get();
    assertThat(firstReader).containsExactlyInAnyOrderElementsOf(written);
    assertThat(secondReader).isEqualTo(firstReader);
  }

  @Test
  void aFollowerGetsWhatComesLaterAndEndsWhenItLeaves() throws Exception {
    String suggestion = mesh.suggest("a").getSuggestionId();
    record("first", accepted(suggestion));
    CountDownLatch firstSeen = new CountDownLatch(1);
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<List<String>> follower =
          executor.submit(
              () -> {
                Context.CancellableContext call = Context.current().withCancellation();
                List<String> kinds = new ArrayList<>();
                call.run(
                    () -> {
                      Iterator<StreamTrainingRecordsResponse> records =
                          mesh.feedback().streamTrainingRecords(query("").setFollow(true).build());
                      kinds.add(records.next().getRecord().getEvent().getEventCase().name());
                      firstSeen.countDown();
                      kinds.add(records.next().getRecord().getEvent().getEventCase().name());
                    });
                call.cancel(null);
                return kinds;
              });
      firstSeen.await();

      record("second", rejected(suggestion));

      assertThat(follower.get()).containsExactly("ACCEPTED", "REJECTED");
    }
  }

  @Test
  void aFollowerWithALimitEndsAtIt() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    record("first", accepted(suggestion));

    assertThat(stream(query("").setFollow(true).setMaxRecords(1))).hasSize(1);
  }

  private String suggestFor(String tenant) {
    return mesh.policy()
        .suggest(
            SuggestRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setPrompt("a")
                .build())
        .getSuggestionId();
  }

  private RecordFeedbackResponse record(String key, FeedbackEvent event) {
    return recordFor("", key, event);
  }

  private RecordFeedbackResponse recordFor(String tenant, String key, FeedbackEvent event) {
    return mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, key))
                .setEvent(event)
                .build());
  }

  private GetSuggestionResponse history(String tenant, String suggestion) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setSuggestionId(suggestion)
                .build());
  }

  private List<StreamTrainingRecordsResponse> records(String tenant) {
    return stream(query(tenant));
  }

  @Test
  void aStreamMayBeginAtATimeOfArrival() {
    record("early", accepted(mesh.suggest("a").getSuggestionId()));
    mesh.clock.advance(Duration.ofHours(1));
    Instant since = TestClock.START.plus(Duration.ofHours(1));
    String late = mesh.suggest("b").getSuggestionId();
    record(
        "late", // which happened long ago, by its client's clock: what counts is when it arrived
        accepted(late).toBuilder().setEventTime(Timestamp.newBuilder().setSeconds(1)).build());

    assertThat(
            stream(
                query("").setSinceTime(Timestamp.newBuilder().setSeconds(since.getEpochSecond()))))
        .singleElement()
        .satisfies(
            record -> assertThat(record.getRecord().getEvent().getSuggestionId()).isEqualTo(late));
    assertThat(
            stream(
                query("")
                    .setSinceTime(
                        Timestamp.newBuilder().setSeconds(since.getEpochSecond()).setNanos(1_000))))
        .isEmpty();
    assertThat(records("")).hasSize(2);
  }

  private List<StreamTrainingRecordsResponse> stream(StreamTrainingRecordsRequest.Builder query) {
    List<StreamTrainingRecordsResponse> records = new ArrayList<>();
    mesh.feedback().streamTrainingRecords(query.build()).forEachRemaining(records::add);
    return records;
  }

  private static StreamTrainingRecordsRequest.Builder query(String tenant) {
    return StreamTrainingRecordsRequest.newBuilder().setMetadata(TestMesh.metadata(tenant, ""));
  }

  private static FeedbackEvent accepted(String suggestion) {
    return FeedbackEvent.newBuilder()
        .setSuggestionId(suggestion)
        .setAccepted(Accepted.getDefaultInstance())
        .build();
  }

  private static FeedbackEvent rejected(String suggestion) {
    return FeedbackEvent.newBuilder()
        .setSuggestionId(suggestion)
        .setRejected(Rejected.getDefaultInstance())
        .build();
  }

  private static String idIssuedAt(Instant issued) {
    InstantSource clock = InstantSource.fixed(issued);
    return new TimeOrderedIds(clock, new Random(3)).next().toString();
  }

  /** Stores a suggestion as another replica would, a moment late. */
  private void storeSuggestion(String id, String tenant) {
    mesh.database
        .jdbi()
        .useHandle(
            handle ->
                handle.execute(
                    """
                    insert into suggestion (suggestion_id, tenant, model, version, decision, reason,
                      decided_at, body) values (?::uuid, ?, 'm', '1', 'SHOW', 'EXPLORED', now(), ?)""",
                    id,
                    tenant,
                    SuggestionRecord.newBuilder().setTenant(tenant).build().toByteArray()));
  }

  private static void insertEvent(Handle handle, String suggestion, String key) {
    handle.execute(
        """
        with fresh as (
          insert into feedback_key (tenant, idempotency_key, event_id, suggestion_id, fingerprint)
          values ('default', ?, gen_random_uuid(), ?::uuid, '') returning *)
        insert into feedback_event (event_id, tenant, idempotency_key, suggestion_id, kind,
          received_at, body)
        select event_id, tenant, idempotency_key, suggestion_id, 'ACCEPTED', now(), ? from fresh""",
        key,
        suggestion,
        accepted(suggestion).toByteArray());
  }

  private int events() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery("select count(*) from feedback_event")
                    .mapTo(Integer.class)
                    .one());
  }

  private static <T> List<Future<T>> all(List<Callable<T>> tasks) throws InterruptedException {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      return executor.invokeAll(tasks);
    }
  }
}
