package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.HARMFUL;
import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.policy.testing.FakeSafetyServer;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.GateOutcome;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;

/** Every decision is streamed, whatever came of it, in one order and without a gap. */
class DecisionsTest extends SuggestCase {
  @Test
  void whatWasWithheldOrBlockedIsThereAsWellAsWhatWasShown() {
    mesh.suggest(PROMPT);
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 0.9);
    mesh.suggest(PROMPT);
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_REFER, 0.45, 1);
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 0.5);
    mesh.suggest(PROMPT);
    models.publish("harmful", request -> HARMFUL + "(1);");
    Promotions.promote(mesh, "1", "harmful");
    mesh.policy().suggest(request().setUser("ada").setWithCost(true).build());

    List<SuggestionRecord> decisions =
        records(all()).stream().map(DecisionRecord::getSuggestion).toList();

    assertThat(decisions)
        .extracting(d -> d.getResponse().getReason())
        .containsExactly(
            DecisionReason.DECISION_REASON_LIKELY_ACCEPTED,
            DecisionReason.DECISION_REASON_CONTEXT_LIKELY_REJECTED,
            DecisionReason.DECISION_REASON_SUGGESTION_LIKELY_REJECTED,
            DecisionReason.DECISION_REASON_COST_OVER_THRESHOLD);
    assertThat(decisions.get(1).hasCompletion()).isFalse();
    assertThat(decisions.get(1).getResponse().getStageOne().getPropensity()).isEqualTo(0.9);
    assertThat(decisions.get(2).getResponse().getText()).isEqualTo("suggestion by 1;");
    assertThat(decisions.get(2).getCompletion().getLogProbsCount()).isEqualTo(16);
    assertThat(decisions.get(2).getResponse().getPropensity()).isEqualTo(0.5);
    SuggestionRecord blocked = decisions.get(3);
    assertThat(blocked.getUser()).isEqualTo("ada");
    assertThat(blocked.getTenant()).isEqualTo("default");
    assertThat(blocked.getPrompt()).isEqualTo(PROMPT);
    assertThat(blocked.getResponse().getDecision()).isEqualTo(Decision.DECISION_BLOCK);
    assertThat(blocked.getResponse().getCost().getModelVersion())
        .isEqualTo(FakeSafetyServer.COST_MODEL);
    assertThat(blocked.getResponse().getPolicyVersion().getVersion()).isEqualTo("harmful");
    assertThat(blocked.getResponse().getTiming().hasTotalDuration()).isTrue();
  }

  @Test
  void anOutcomeIsTheLatestThatSaysWhetherItWasTaken() {
    String answered = mesh.suggest("a").getSuggestionId();
    mesh.suggest("b");
    record(event(answered).setRejected(Rejected.getDefaultInstance()), "1");
    record(
        event(answered)
            .setEdited(Edited.newBuilder().setKeptCharacters(3).setEditDuration(seconds(7)))
            .setVerificationDuration(seconds(2)),
        "2");
    record(
        event(answered).setRating(Rating.newBuilder().setValue(4).setMinimum(1).setMaximum(5)),
        "3");

    List<DecisionRecord> decisions = records(all());

    assertThat(decisions.get(0).getOutcome().getEdited().getKeptCharacters()).isEqualTo(3);
    assertThat(decisions.get(0).getOutcome().getEdited().getEditDuration()).isEqualTo(seconds(7));
    assertThat(decisions.get(0).getOutcome().getVerificationDuration()).isEqualTo(seconds(2));
    assertThat(decisions.get(0).getLatestFeedback().getRating().getValue()).isEqualTo(4);
    assertThat(decisions.get(1).hasOutcome()).isFalse();
    assertThat(decisions.get(1).hasLatestFeedback()).isFalse();
  }

  @Test
  void aStreamGoesOnAfterAnyCursor() {
    for (int i = 0; i < 5; i++) {
      mesh.suggest("a" + i);
    }

    List<StreamDecisionsResponse> all = stream(all());

    assertThat(all)
        .extracting(d -> d.getRecord().getSuggestion().getPrompt())
        .containsExactly("a0", "a1", "a2", "a3", "a4");
    for (int i = 0; i < all.size(); i++) {
      assertThat(stream(all().setAfterCursor(all.get(i).getCursor())))
          .isEqualTo(all.subList(i + 1, all.size()));
    }
    assertThat(stream(all().setMaxDecisions(2))).isEqualTo(all.subList(0, 2));
    assertThat(stream(all())).isEqualTo(all);
  }

  @Test
  void aStreamHasTheTenantsOwnDecisionsOrAll() {
    suggestFor("one");
    suggestFor("two");
    suggestFor("one");

    assertThat(tenants(ofTenant("one"))).containsExactly("one", "one");
    assertThat(tenants(ofTenant("two"))).containsExactly("two");
    assertThat(tenants(ofTenant("three"))).isEmpty();
    try (TestMesh watching =
        mesh.startBeside(Map.of("ballast.policy.all-tenants-decisions", "true"))) {
      List<String> all = new ArrayList<>();
      watching
          .feedback()
          .streamDecisions(ofTenant("three").setAllTenants(true).build())
          .forEachRemaining(d -> all.add(d.getRecord().getSuggestion().getTenant()));
      assertThat(all).containsExactly("one", "two", "one");
    }
  }

  @Test
  void thoseForAllTenantsAreForNobodyUnlessTheOperatorSaysSo() {
    suggestFor("one");

    assertFails(
        () -> stream(ofTenant("two").setAllTenants(true)),
        Status.Code.PERMISSION_DENIED,
        Fault.FORBIDDEN,
        "all_tenants: true (expected: false, or ballast.policy.all-tenants-decisions on)");
  }

  @Test
  void onlyWhatIsOldEnoughComesAndNothingBehindIt() {
    mesh.suggest("old");
    mesh.clock.advance(Duration.ofMinutes(10));
    mesh.suggest("young");

    assertThat(prompts(all().setMinAgeDuration(seconds(601)))).isEmpty();
    List<StreamDecisionsResponse> old = stream(all().setMinAgeDuration(seconds(600)));
    assertThat(old)
        .singleElement()
        .satisfies(d -> assertThat(d.getRecord().getSuggestion().getPrompt()).isEqualTo("old"));
    mesh.clock.advance(Duration.ofMinutes(10));
    assertThat(
            prompts(
                all().setMinAgeDuration(seconds(600)).setAfterCursor(old.getFirst().getCursor())))
        .containsExactly("young");
  }

  @Test
  void onlyWhatWasDecidedSinceThen() {
    mesh.suggest("before");
    mesh.clock.advance(Duration.ofMinutes(1));
    mesh.suggest("after");

    assertThat(
            prompts(
                all()
                    .setSinceTime(
                        com.google.protobuf.Timestamp.newBuilder()
                            .setSeconds(mesh.clock.instant().getEpochSecond()))))
        .containsExactly("after");
  }

  @Test
  void aDecisionCommittedAfterALaterOneIsNotMissed() {
    try (Handle slow = mesh.database.jdbi().open()) {
      slow.begin();
      insert(slow, "slow", 1); // draws its arrival number first, commits last
      mesh.suggest("quick");
      List<StreamDecisionsResponse> before = stream(all());
      assertThat(before).hasSize(1);

      slow.commit();

      assertThat(prompts(all().setAfterCursor(before.getFirst().getCursor())))
          .containsExactly("slow 1");
    }
  }

  @Test
  void readersThatResumeSeeEachDecisionOnceInOneOrderWhileWritersCommit() throws Exception {
    int writers = 4;
    AtomicInteger writing = new AtomicInteger(writers);
    List<Callable<List<String>>> tasks = new ArrayList<>();
    for (int w = 0; w < writers; w++) {
      String name = "writer " + w;
      tasks.add(
          () -> {
            List<String> prompts = new ArrayList<>();
            for (int i = 0; i < 25; i++) {
              prompts.add(name + " " + i);
              mesh.suggest(prompts.getLast());
            }
            writing.decrementAndGet();
            return prompts;
          });
    }
    Callable<List<String>> reader =
        () -> {
          List<String> seen = new ArrayList<>();
          String cursor = "";
          boolean last = false;
          while (!last) {
            last = writing.get() == 0; // looks once more after the last commit
            for (var decision : stream(all().setAfterCursor(cursor).setMaxDecisions(7))) {
              seen.add(decision.getRecord().getSuggestion().getPrompt());
              cursor = decision.getCursor();
              last = false;
            }
          }
          return seen;
        };
    tasks.add(reader);
    tasks.add(reader);

    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<String>>> results = executor.invokeAll(tasks);
      List<String> written = new ArrayList<>();
      for (Future<List<String>> writer : results.subList(0, writers)) {
        written.addAll(writer.get());
      }
      assertThat(results.get(writers).get()).containsExactlyInAnyOrderElementsOf(written);
      assertThat(results.get(writers + 1).get()).isEqualTo(results.get(writers).get());
    }
  }

  @Test
  void aLongLogComesInPagesAndIsPlacedOnlyAsFarAsSomebodyReads() {
    mesh.database.jdbi().useHandle(handle -> insert(handle, "many", 2_345));

    assertThat(stream(all().setMaxDecisions(10))).hasSize(10);
    assertThat(placed()).isEqualTo(1_000);
    List<StreamDecisionsResponse> all = stream(all());
    assertThat(all).hasSize(2_345);
    assertThat(Set.copyOf(all.stream().map(StreamDecisionsResponse::getCursor).toList()))
        .hasSize(2_345);
    assertThat(all.getFirst().getRecord().getSuggestion().getPrompt()).isEqualTo("many 1");
    assertThat(all.getLast().getRecord().getSuggestion().getPrompt()).isEqualTo("many 2345");
  }

  @Test
  void whoeverBeginsAtATimeHasAllPlacedAndStartsWhereThatIs() {
    mesh.database.jdbi().useHandle(handle -> insert(handle, "old", 2_345));
    mesh.database
        .jdbi()
        .useHandle(
            handle -> handle.execute("update suggestion set decided_at = '2020-01-01T00:00:00Z'"));
    StreamDecisionsRequest.Builder since =
        all()
            .setSinceTime(
                com.google.protobuf.Timestamp.newBuilder()
                    .setSeconds(mesh.clock.instant().getEpochSecond()));
    assertThat(stream(since)).isEmpty();
    assertThat(placed()).isEqualTo(2_345);

    mesh.suggest("new 1");
    mesh.suggest("new 2");
    List<StreamDecisionsResponse> first = stream(since.clone().setMaxDecisions(1));
    assertThat(first)
        .singleElement()
        .satisfies(d -> assertThat(d.getRecord().getSuggestion().getPrompt()).isEqualTo("new 1"));
    assertThat(prompts(since.clone().setAfterCursor(first.getFirst().getCursor())))
        .containsExactly("new 2");
    assertThat(prompts(since)).containsExactly("new 1", "new 2");
  }

  @Test
  void aFollowerGetsWhatComesLaterAndEndsWhenItLeaves() throws Exception {
    mesh.suggest("first");
    CountDownLatch firstSeen = new CountDownLatch(1);
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<List<String>> follower =
          executor.submit(
              () -> {
                Context.CancellableContext call = Context.current().withCancellation();
                List<String> prompts = new ArrayList<>();
                call.run(
                    () -> {
                      Iterator<StreamDecisionsResponse> decisions =
                          mesh.feedback().streamDecisions(all().setFollow(true).build());
                      prompts.add(decisions.next().getRecord().getSuggestion().getPrompt());
                      firstSeen.countDown();
                      prompts.add(decisions.next().getRecord().getSuggestion().getPrompt());
                    });
                call.cancel(null);
                return prompts;
              });
      firstSeen.await();

      mesh.suggest("second");

      assertThat(follower.get()).containsExactly("first", "second");
    }
  }

  private static StreamDecisionsRequest.Builder all() {
    return StreamDecisionsRequest.newBuilder();
  }

  private static StreamDecisionsRequest.Builder ofTenant(String tenant) {
    return all().setMetadata(TestMesh.metadata(tenant, ""));
  }

  private List<StreamDecisionsResponse> stream(StreamDecisionsRequest.Builder request) {
    List<StreamDecisionsResponse> decisions = new ArrayList<>();
    mesh.feedback().streamDecisions(request.build()).forEachRemaining(decisions::add);
    return decisions;
  }

  private List<DecisionRecord> records(StreamDecisionsRequest.Builder request) {
    return stream(request).stream().map(StreamDecisionsResponse::getRecord).toList();
  }

  private List<String> tenants(StreamDecisionsRequest.Builder request) {
    return records(request).stream().map(d -> d.getSuggestion().getTenant()).toList();
  }

  private List<String> prompts(StreamDecisionsRequest.Builder request) {
    return records(request).stream().map(d -> d.getSuggestion().getPrompt()).toList();
  }

  private SuggestResponse suggestFor(String tenant) {
    return mesh.policy().suggest(request().setMetadata(TestMesh.metadata(tenant, "")).build());
  }

  private void record(FeedbackEvent.Builder event, String key) {
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", key))
                    .setEvent(event)
                    .build());
  }

  private static FeedbackEvent.Builder event(String suggestion) {
    return FeedbackEvent.newBuilder().setSuggestionId(suggestion);
  }

  private static com.google.protobuf.Duration seconds(long seconds) {
    return com.google.protobuf.Duration.newBuilder().setSeconds(seconds).build();
  }

  /** Stores decisions as another replica would. */
  private static void insert(Handle handle, String prompt, int count) {
    var batch =
        handle.prepareBatch(
            """
            insert into suggestion (suggestion_id, tenant, model, version, decision, reason,
              decided_at, body)
            values (gen_random_uuid(), 'default', 'm', '1', 'SHOW', 'EXPLORED', now(), ?)""");
    for (int i = 1; i <= count; i++) {
      batch.add(
          SuggestionRecord.newBuilder()
              .setTenant("default")
              .setPrompt(prompt + " " + i)
              .build()
              .toByteArray());
    }
    var unused = batch.execute();
  }

  private int placed() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery("select count(*) from suggestion where position is not null")
                    .mapTo(Integer.class)
                    .one());
  }
}
