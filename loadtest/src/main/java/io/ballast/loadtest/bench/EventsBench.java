package io.ballast.loadtest.bench;

import com.google.protobuf.Timestamp;
import io.ballast.loadtest.bench.ClosedLoop.Load;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc.FeedbackServiceBlockingStub;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Whether recording an event, reading a suggestion and reading training records take as long with
 * millions of events on record as with a few thousand. The rows between are made in the database,
 * from a suggestion and an event that the mesh wrote.
 */
final class EventsBench {
  /** Rows that one statement makes. */
  private static final long BATCH = 250_000;

  /** About what PostgreSQL makes on two cores, for what is told of progress. */
  static final double ROWS_A_SECOND = 20_000;

  private static final int CALLERS = 4;
  private static final int SUGGESTIONS = 2_000;
  private static final int PAGE = 100;
  private static final int TOKENS = 1;
  private static final int DEADLINE_SECONDS = 60;
  private static final Duration TIME = Duration.ofSeconds(8);
  private static final double GOAL = 1.25;
  private static final int KINDS = 4;

  /** More calls than a server keeps connections. */
  private static final int CONNECTIONS = 50;

  /** Partitions of the months that rows are made for; the mesh has made those that it writes to. */
  private static final String MONTHS =
      """
      select make_event_month(month::date)
      from generate_series(
        date_trunc('month', (now() - interval '90 days') at time zone 'UTC'),
        now() at time zone 'UTC', interval '1 month') month""";

  /** Suggestion, event and key of one row each, with what the mesh would have given them. */
  private static final String FILL =
      """
      with sample as (
        select s.tenant, s.model, s.version, s.decision, s.reason, s.body as suggestion,
          s.shown_characters, e.kind, k.fingerprint, e.body as event
        from feedback_event e
        join suggestion s using (suggestion_id)
        join feedback_key k on k.tenant = e.tenant and k.idempotency_key = e.idempotency_key
        where e.tenant = 'bench' and e.position is not null
        order by e.position limit 1),
      time as (
        select i, now() - interval '90 days' * ((? - i)::float8 / ?) as at
        from generate_series(?::bigint, ?::bigint) i),
      made as (
        select i, at, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
          || '7' || substr(md5(i::text), 1, 3) || '8' || substr(md5(i::text), 4, 15))::uuid as id
        from time),
      suggested as (
        insert into suggestion (suggestion_id, tenant, model, version, decision, reason, decided_at,
          body, shown_characters, position)
        select id, tenant, model, version, decision, reason, at, suggestion, shown_characters,
          nextval('decision_position')
        from made, sample order by i
        returning 1),
      keyed as (
        insert into feedback_key (tenant, idempotency_key, event_id, suggestion_id, fingerprint)
        select tenant, 'fill-' || i, id, id, fingerprint
        from made, sample order by i
        returning 1)
      insert into feedback_event (event_id, tenant, idempotency_key, suggestion_id, kind,
        received_at, body, position)
      select id, tenant, 'fill-' || i, id, kind, at, event, nextval('training_position')
      from made, sample order by i""";

  private final Path script;
  private final Path work;
  private final long events;
  private final InstantSource clock;
  private final Runnable progress;
  private final SuggestCalls calls = new SuggestCalls(false, TOKENS);

  /** What is asked of the events, in milliseconds. */
  private record Times(Load record, Load suggestion, Load page, Load since) {}

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written; 10⁷ events take some 26 GB
   * @param events how many there shall be, ≥ 1
   * @param clock the server's
   * @param progress told {@link #steps} times
   */
  EventsBench(Path script, Path work, long events, InstantSource clock, Runnable progress) {
    this.script = script;
    this.work = work;
    this.events = events;
    this.clock = clock;
    this.progress = progress;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(long events) {
    return Math.toIntExact(3 * KINDS + batches(events));
  }

  private static long batches(long events) {
    return (events + BATCH - 1) / BATCH;
  }

  /** Measures with few events and with many. */
  List<Figure> run() throws SQLException {
    try (MeshUnderTest mesh =
            MeshUnderTest.start(script, work.resolve("events"), Map.of(), Duration.ofMinutes(2));
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      BlockingQueue<SuggestResponse> suggestions = suggestions(mesh);
      // the first is for the compilers
      var unused = times(mesh, suggestions, callers);
      mesh.settleDatabase();
      EventPlans fewPlans = plans(mesh, suggestions);
      Times few = times(mesh, suggestions, callers);
      fill(mesh);
      EventPlans manyPlans = plans(mesh, suggestions);
      Times many = times(mesh, suggestions, callers);
      List<Figure> figures = new ArrayList<>();
      figures.addAll(beside("RecordFeedback", many.record(), few.record()));
      figures.addAll(beside("GetSuggestion", many.suggestion(), few.suggestion()));
      figures.addAll(
          beside("the first %d training records".formatted(PAGE), many.page(), few.page()));
      figures.addAll(beside("the training records of the last seconds", many.since(), few.since()));
      figures.addAll(manyPlans.beside(fewPlans, events));
      return figures;
    }
  }

  private EventPlans plans(MeshUnderTest mesh, BlockingQueue<SuggestResponse> suggestions)
      throws SQLException {
    var stub = FeedbackServiceGrpc.newBlockingStub(mesh.channel());
    SuggestResponse suggestion = suggestions.element();
    EventPlans plans;
    try (StatementLog log = StatementLog.open(mesh.databaseAddress(), mesh.databaseLog())) {
      awaitConnections(stub, suggestion);
      plans =
          new EventPlans(
              log.during(() -> SuggestCalls.accept(stub, suggestion, "-" + System.nanoTime())),
              log.during(() -> get(stub, suggestion)),
              log.during(() -> page(stub, Instant.EPOCH)),
              log.during(() -> page(stub, since())));
    }
    awaitConnections(stub, suggestion);
    return plans;
  }

  /** Waits until the mesh has met all the connections that it has lost. */
  private static void awaitConnections(
      FeedbackServiceBlockingStub stub, SuggestResponse suggestion) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    for (int answered = 0; answered < CONNECTIONS; answered++) {
      try {
        get(stub, suggestion);
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || System.nanoTime() > deadline) {
          throw e;
        }
        answered = -1;
      }
    }
  }

  /** So that a page has the last seconds. */
  private Instant since() {
    return clock.instant().minus(TIME.multipliedBy(2));
  }

  private List<Figure> beside(String what, Load many, Load few) {
    return List.of(
        percentile(
            "%s with %,d events: p50, beside %,d".formatted(what, events, SUGGESTIONS),
            many,
            few,
            50),
        percentile("... p99", many, few, 99));
  }

  private static Figure percentile(String name, Load many, Load few, double percent) {
    return Pairs.of(List.of(new Pairs.Pair<>(many.millisAt(percent), few.millisAt(percent))))
        .figure(name, "ms", new Goal.RatioAtMost(GOAL));
  }

  /** Suggestions that events are told of, each more than once. */
  private BlockingQueue<SuggestResponse> suggestions(MeshUnderTest mesh) {
    BlockingQueue<SuggestResponse> all = new ArrayBlockingQueue<>(SUGGESTIONS);
    var policy = PolicyServiceGrpc.newBlockingStub(mesh.channel());
    var feedback = FeedbackServiceGrpc.newBlockingStub(mesh.channel());
    while (all.remainingCapacity() > 0) {
      SuggestResponse suggestion = calls.suggestion(policy);
      long unused = SuggestCalls.accept(feedback, suggestion, "");
      all.add(suggestion);
    }
    return all;
  }

  private Times times(
      MeshUnderTest mesh, BlockingQueue<SuggestResponse> suggestions, ExecutorService callers) {
    var stub = FeedbackServiceGrpc.newBlockingStub(mesh.channel());
    Load record =
        load(
            callers,
            index -> {
              SuggestResponse suggestion = suggestions.take();
              suggestions.add(suggestion);
              return SuggestCalls.accept(stub, suggestion, "-" + System.nanoTime() + index);
            });
    Load suggestion =
        load(
            callers,
            index -> {
              SuggestResponse asked = suggestions.take();
              suggestions.add(asked);
              get(stub, asked);
              return 1;
            });
    Load page = load(callers, index -> page(stub, Instant.EPOCH));
    Load since = load(callers, index -> page(stub, since()));
    return new Times(record, suggestion, page, since);
  }

  private Load load(ExecutorService callers, ClosedLoop.Call call) {
    Load load = ClosedLoop.load(CALLERS, TIME, callers, System::nanoTime, call);
    progress.run();
    return load;
  }

  private static void get(FeedbackServiceBlockingStub stub, SuggestResponse suggestion) {
    var history =
        stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
            .getSuggestion(
                GetSuggestionRequest.newBuilder()
                    .setMetadata(metadata())
                    .setSuggestionId(suggestion.getSuggestionId())
                    .build());
  }

  private static long page(FeedbackServiceBlockingStub stub, Instant since) {
    Iterator<StreamTrainingRecordsResponse> records =
        stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
            .streamTrainingRecords(
                StreamTrainingRecordsRequest.newBuilder()
                    .setMetadata(metadata())
                    .setMaxRecords(PAGE)
                    .setSinceTime(Timestamp.newBuilder().setSeconds(since.getEpochSecond()))
                    .build());
    long read = 0;
    while (records.hasNext()) {
      var unused = records.next();
      read++;
    }
    return read;
  }

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder().setTenant("bench").build();
  }

  /** Rows of ninety days before now, each with ids as the mesh makes them: the older the lower. */
  private void fill(MeshUnderTest mesh) throws SQLException {
    try (Connection connection = mesh.databaseAddress().connect()) {
      connection.setSchema("policy");
      try (Statement statement = connection.createStatement()) {
        statement.execute(MONTHS);
      }
      for (long from = 0; from < events; from += BATCH) {
        long to = Math.min(events, from + BATCH) - 1;
        try (PreparedStatement made = connection.prepareStatement(FILL)) {
          made.setLong(1, events);
          made.setLong(2, events);
          made.setLong(3, from);
          made.setLong(4, to);
          made.execute();
        }
        progress.run();
      }
    }
    mesh.settleDatabase();
  }
}
