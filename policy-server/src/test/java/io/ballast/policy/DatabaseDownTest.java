package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertDatabaseAway;
import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.policy.testing.SwitchableDatabase;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.testing.StoppablePostgres;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.jdbi.v3.core.generic.GenericType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * While the database is away suggestions go on as the operator has chosen, and say so; what was
 * acknowledged is in the database exactly once when it is back, whatever crashed on the way.
 */
class DatabaseDownTest {
  private static final Map<String, String> SPOOL =
      Map.of("ballast.policy.feedback-on-database-down", "SPOOL");

  @TempDir Path folder;

  private final List<TestMesh> started = new ArrayList<>();
  private final SwitchableDatabase database = new SwitchableDatabase(TestDatabase.create());

  @AfterEach
  void stop() {
    started.forEach(TestMesh::close);
  }

  @Test
  void suggestionsAndFeedbackWaitOnDiskAndAreThereOnceWhenARealDatabaseIsBack() throws Exception {
    try (StoppablePostgres postgres = new StoppablePostgres(folder, "policy")) {
      TestMesh mesh = TestMesh.startOn(postgres, SPOOL, folder.resolve("data"));
      started.add(mesh);
      SuggestResponse before = mesh.suggest("before");
      postgres.stop();

      SuggestResponse meanwhile = mesh.suggest("while it is away");
      RecordFeedbackResponse onBefore = accept(mesh, before, "one");
      RecordFeedbackResponse onMeanwhile = accept(mesh, meanwhile, "two");

      assertThat(meanwhile.getDecision()).isEqualTo(Decision.DECISION_SHOW);
      assertThat(meanwhile.getText()).isEqualTo("suggestion by 1;");
      assertThat(meanwhile.getDegradationsList())
          .containsExactly(
              degradation(
                  "cannot be reached; the decision waits on the policy-server's disk for it"));
      assertThat(List.of(onBefore, onMeanwhile))
          .allSatisfy(
              receipt -> {
                assertThat(receipt.getDegradationsList())
                    .containsExactly(
                        degradation(
                            "cannot be reached; the event is safe on the policy-server's disk and"
                                + " recorded when it can"));
                assertThat(receipt.getDuplicate()).isFalse();
                assertThat(receipt.getJoined()).isFalse();
              });
      assertThat(gauge(mesh, "waiting")).isEqualTo(3);

      postgres.startAgain();
      replayAll(mesh);

      assertThat(gauge(mesh, "waiting")).isZero();
      assertThat(gauge(mesh, "bytes")).isZero();
      assertThat(trained(mesh)).containsExactly(onBefore.getEventId(), onMeanwhile.getEventId());
      assertThat(stored(mesh, meanwhile).getSuggestion().getResponse().getDegradationsList())
          .as("the record says it too")
          .isEqualTo(meanwhile.getDegradationsList());
      RecordFeedbackResponse again = accept(mesh, meanwhile, "two");
      assertThat(again.getDuplicate()).isTrue();
      assertThat(again.getEventId()).isEqualTo(onMeanwhile.getEventId());
      assertThat(mesh.suggest("after").getDegradationsList()).isEmpty();
    }
  }

  @Test
  void aRepetitionWhileItIsAwayGetsTheFirstOnesIdAndAnotherEventIsRefused() {
    TestMesh mesh = start(SPOOL);
    SuggestResponse suggestion = mesh.suggest("before");
    database.stop();
    RecordFeedbackResponse first = accept(mesh, suggestion, "key");

    RecordFeedbackResponse again = accept(mesh, suggestion, "key");

    assertThat(again.getDuplicate()).isTrue();
    assertThat(again.getEventId()).isEqualTo(first.getEventId());
    assertFails(
        () -> reject(mesh, suggestion.getSuggestionId(), "key"),
        Status.Code.INVALID_ARGUMENT,
        Fault.MALFORMED_REQUEST,
        "metadata.idempotency_key: 'key' was used for another event");
    database.startAgain();
    assertThat(accept(mesh, suggestion, "key").getEventId())
        .as("it is back, and the first still waits")
        .isEqualTo(first.getEventId());
    mesh.server.replay();
    assertThat(trained(mesh)).containsExactly(first.getEventId());
  }

  @Test
  void aServerThatIsKilledWhileItIsAwayBringsItInAfterItsNextStart() {
    TestMesh mesh = start(SPOOL);
    database.stop();
    RecordFeedbackResponse receipt = accept(mesh, mesh.suggest("a"), "key");
    close(mesh);
    database.startAgain();

    TestMesh next = start(Map.of()); // whoever refuses by now still brings in what waits
    next.server.replay();

    assertThat(trained(next)).containsExactly(receipt.getEventId());
    assertThat(gauge(next, "waiting")).isZero();
  }

  @Test
  void aReplayThatBreaksOffAnywhereAndBeginsAnewStoresEachThingOnce() {
    TestMesh mesh = start(SPOOL);
    database.stop();
    List<String> events = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      events.add(accept(mesh, mesh.suggest("a" + i), "key" + i).getEventId());
    }
    close(mesh);
    Path spool = folder.resolve("policy-spool");
    Path copy = folder.resolve("copy");
    copy(spool, copy);
    List<OutboxEvent> told = new ArrayList<>();
    for (int questions = 0; questions < 12; questions++) {
      database.startAgain();
      copy(copy, spool); // as if nothing had been forgotten before the crash
      TestMesh next = start(SPOOL);
      database.stopAfter(questions);
      next.server.replay();
      close(next);
      database.startAgain();
      told.addAll(next.told());
    }
    TestMesh last = start(SPOOL);
    last.server.replay();

    assertThat(trained(last)).isEqualTo(events);
    told.addAll(last.told());
    assertThat(told)
        .filteredOn(event -> event.type().equals("io.ballast.feedback.recorded"))
        .extracting(event -> event.id().toString())
        .as("others are told once too")
        .isEqualTo(events);
    assertThat(count("suggestion")).isEqualTo(5);
  }

  @Test
  void anEventThatTurnsOutToBeNoneIsKeptAside() {
    TestMesh mesh = start(SPOOL);
    SuggestResponse suggestion = mesh.suggest("before");
    accept(mesh, suggestion, "used");
    database.stop();
    mesh.suggest("so that it is known to be away");
    String old = idIssuedAt(TestClock.START.minus(Duration.ofDays(3)));
    RecordFeedbackResponse unknown = reject(mesh, old, "unknown");
    RecordFeedbackResponse other = reject(mesh, suggestion.getSuggestionId(), "used");
    String never = UUID.nameUUIDFromBytes(new byte[] {1}).toString();
    assertFails(
        () -> reject(mesh, never, "never"),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_RESOURCE,
        "no suggestion " + never);
    database.startAgain();
    mesh.server.replay();

    assertThat(refused())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                unknown.getEventId(),
                "no suggestion " + old,
                other.getEventId(),
                "metadata.idempotency_key: 'used' was used for another event"));
    assertThat(mesh.meters.counter("ballast.policy.spool.refused").count()).isEqualTo(2);
    assertThat(count("feedback_event")).isEqualTo(1);
    DeleteUserDataResponse deleted = delete(mesh, old, suggestion.getSuggestionId());
    assertThat(deleted.getEventsCount()).as("what is kept aside too").isEqualTo(3);
    assertThat(refused()).isEmpty();
  }

  @Test
  void nothingIsDeletedWhileSomethingWaitsThatCouldBringItBack() {
    TestMesh mesh = start(SPOOL);
    database.stop();
    String meanwhile = mesh.suggest("while it is away").getSuggestionId();
    database.startAgain();

    assertFails(
        () -> delete(mesh, meanwhile),
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "1 decisions and events wait on the policy-server's disk for the database, and what is"
            + " deleted now could come back with them: try again when they are in it");
    mesh.server.replay();
    assertThat(delete(mesh, meanwhile).getSuggestionsCount()).isEqualTo(1);
    assertThat(count("suggestion")).isZero();
  }

  @Test
  void withDropSuggestionsGoOnUnrecorded() {
    TestMesh mesh = start(Map.of("ballast.policy.decisions-on-database-down", "DROP"));
    database.stop();

    SuggestResponse answer = mesh.suggest("a");

    assertThat(answer.getText()).isEqualTo("suggestion by 1;");
    assertThat(answer.getDegradationsList())
        .containsExactly(
            degradation(
                "cannot be reached; the decision is not recorded, and no feedback will join it"));
    assertDatabaseAway(() -> accept(mesh, answer, "key"));
    assertThat(mesh.meters.counter("ballast.policy.decisions.dropped").count()).isEqualTo(1);
    assertThat(
            mesh.meters
                .counter("ballast.policy.degradations", "peer", "database", "reason", "no_answer")
                .count())
        .isEqualTo(1);
    database.startAgain();
    mesh.server.replay();
    assertThat(count("suggestion")).isZero();
    assertThat(mesh.suggest("b").getDegradationsList()).isEmpty();
  }

  @Test
  void nobodyWaitsForADatabaseThatIsKnownToBeAway() {
    TestMesh mesh = start(Map.of());
    database.stop();
    mesh.suggest("finds out");
    assertThat(mesh.meters.get("ballast.policy.database.away").gauge().value()).isEqualTo(1);
    database.startAgain();

    assertThat(mesh.suggest("nobody has looked yet").getDegradationsCount()).isEqualTo(1);
    mesh.server.replay();
    assertThat(mesh.suggest("somebody has").getDegradationsCount()).isZero();
    assertThat(mesh.meters.get("ballast.policy.database.away").gauge().value()).isZero();
    assertThat(count("suggestion")).isEqualTo(3);
  }

  @Test
  void oneThatAnswersAndHasNoRoomIsAwayUntilItStoresWhatWaits() {
    TestMesh mesh = start(Map.of());
    execute(
        """
        create or replace function no_room() returns trigger language plpgsql as '
        begin raise exception ''no room'' using errcode = ''53100''; end'\
        """);
    execute(
        "create trigger no_room before insert on suggestion for each row execute function"
            + " no_room()");
    try {
      mesh.suggest("finds out");

      mesh.server.replay();

      assertThat(mesh.meters.get("ballast.policy.database.away").gauge().value()).isEqualTo(1);
      assertThat(mesh.suggest("waits").getDegradationsCount()).isEqualTo(1);
    } finally {
      execute("drop trigger no_room on suggestion"); // the next test has the same tables
    }
    mesh.server.replay();
    assertThat(mesh.meters.get("ballast.policy.database.away").gauge().value()).isZero();
    assertThat(mesh.suggest("is stored").getDegradationsList()).isEmpty();
    assertThat(count("suggestion")).isEqualTo(3);
  }

  private void execute(String statement) {
    database.jdbi().useHandle(handle -> handle.execute(statement));
  }

  @Test
  void whatTheDiskDoesNotTakeIsNotAnswered() {
    Path file = folder.resolve("a file");
    write(file);
    TestMesh mesh = TestMesh.startOn(database, Map.of(), file);
    started.add(mesh);
    database.stop();

    assertFails(
        () -> mesh.suggest("a"),
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the database cannot be reached, and the disk of this server does not take what would wait"
            + " for it");
  }

  private TestMesh start(Map<String, String> properties) {
    TestMesh mesh = TestMesh.startOn(database, properties, folder);
    started.add(mesh);
    return mesh;
  }

  private void close(TestMesh mesh) {
    started.remove(mesh);
    mesh.close();
  }

  /** Looks until everything is in: the pool finds its server again every few seconds. */
  private static void replayAll(TestMesh mesh) {
    for (int i = 0; i < 60 && gauge(mesh, "waiting") > 0; i++) {
      mesh.server.replay();
    }
  }

  private static double gauge(TestMesh mesh, String name) {
    return mesh.meters.get("ballast.policy.spool." + name).gauge().value();
  }

  private static Degradation degradation(String message) {
    return Degradation.newBuilder().setPeer("database").setMessage(message).build();
  }

  private static RecordFeedbackResponse accept(
      TestMesh mesh, SuggestResponse suggestion, String key) {
    return record(
        mesh,
        key,
        FeedbackEvent.newBuilder()
            .setSuggestionId(suggestion.getSuggestionId())
            .setAccepted(Accepted.getDefaultInstance()));
  }

  private static RecordFeedbackResponse reject(TestMesh mesh, String suggestion, String key) {
    return record(
        mesh,
        key,
        FeedbackEvent.newBuilder()
            .setSuggestionId(suggestion)
            .setRejected(Rejected.getDefaultInstance()));
  }

  private static RecordFeedbackResponse record(
      TestMesh mesh, String key, FeedbackEvent.Builder event) {
    return mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", key))
                .setEvent(event)
                .build());
  }

  private static DeleteUserDataResponse delete(TestMesh mesh, String... suggestions) {
    return mesh.feedback()
        .deleteUserData(
            DeleteUserDataRequest.newBuilder()
                .addAllSuggestionIds(List.of(suggestions))
                .setActor("Ada")
                .setReason("request 17 of its author")
                .build());
  }

  private static List<String> trained(TestMesh mesh) {
    List<String> events = new ArrayList<>();
    mesh.feedback()
        .streamTrainingRecords(StreamTrainingRecordsRequest.getDefaultInstance())
        .forEachRemaining(record -> events.add(record.getRecord().getEventId()));
    return events;
  }

  private static GetSuggestionResponse stored(TestMesh mesh, SuggestResponse suggestion) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder()
                .setSuggestionId(suggestion.getSuggestionId())
                .build());
  }

  private int count(String table) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery("select count(*) from " + table).mapTo(Integer.class).one());
  }

  private Map<String, String> refused() {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery("select event_id::text, reason from feedback_refused")
                    .setMapKeyColumn("event_id")
                    .setMapValueColumn("reason")
                    .collectInto(new GenericType<Map<String, String>>() {}));
  }

  private static String idIssuedAt(Instant time) {
    return new TimeOrderedIds(InstantSource.fixed(time), new Random(3)).next().toString();
  }

  private static void write(Path file) {
    try {
      Files.writeString(file, "not a folder");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void copy(Path from, Path to) {
    try (Stream<Path> files = Files.list(Files.createDirectories(from))) {
      Files.createDirectories(to);
      for (Path file : files.filter(f -> f.toString().endsWith(".spool")).toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
