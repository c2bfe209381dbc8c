package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.PostgresRunPrompts;
import io.ballast.orchestrator.adapter.SkippedSampleFiles;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestDatabase;
import io.ballast.testing.Await;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run learned from goes a while after its end, and the audit trail proves it. */
class PromptRetentionTest {
  private static final Duration MONTH = Duration.ofDays(30);
  private static final Pattern RUNS = Pattern.compile("\"runs\": \"([0-9]+)\"");

  /** Of how many runs each time. */
  private static final class Heard implements PromptRetention.Monitor {
    private final List<Integer> prompts = new CopyOnWriteArrayList<>();
    private final List<Integer> samples = new CopyOnWriteArrayList<>();

    @Override
    public void promptsDeleted(int runs) {
      prompts.add(runs);
    }

    @Override
    public void samplesDeleted(int runs) {
      samples.add(runs);
    }
  }

  @TempDir private Path root = Path.of(".");

  private final TestDatabase database = TestDatabase.create();
  private final TestClock clock = new TestClock();
  private final RunStore store = database.runs();
  private final Heard heard = new Heard();
  private int created;

  @Test
  void promptsOfRunsThatEndedGoAndAllElseStays() {
    List<String> gone = new ArrayList<>();
    for (RunState state : RunState.values()) {
      if (state.ended()) {
        gone.add(create("default", run -> run.ended(state, "", clock.instant())));
      }
    }
    gone.add(create("acme", run -> run.ended(RunState.STOPPED, "", clock.instant())));
    List<String> stay =
        List.of(
            create("default", UnaryOperator.identity()),
            create("default", Run::takenUp),
            create("default", Run::pause),
            create("default", run -> run.failed("a peer was away")),
            create("acme", Run::pause));
    clock.advance(MONTH.plusSeconds(1));
    String recent = create("default", run -> run.ended(RunState.HELD, "", clock.instant()));
    List<Run> before = store.newest("default", 100);

    retention(MONTH).deleteOld();

    assertThat(gone).hasSize(7);
    gone.forEach(this::assertGone);
    stay.forEach(run -> assertThat(store.prompts(run)).isEqualTo(prompts()));
    assertThat(store.prompts(recent)).isEqualTo(prompts());
    assertThat(store.newest("default", 100)).as("runs themselves are kept").isEqualTo(before);
    assertThat(heard.prompts).containsExactly(7);
    List<AuditEntry> trail = trail();
    assertThat(flaws(trail)).isEmpty();
    assertThat(trail.getLast().content())
        .contains(
            "\"action\": \"data.expire\"",
            "\"principal\": \"the server itself\"",
            "\"subject\": \"prompts\"",
            "\"runs\": \"7\"",
            "\"before\": \"" + clock.instant().minus(MONTH) + "\"",
            "\"ids_sha256\": \""
                + Sha256.of(String.join("\n", gone.stream().sorted().toList()) + "\n")
                + "\"")
        .doesNotContain("Ada");

    retention(MONTH).deleteOld();
    assertThat(heard.prompts).as("nothing is left to delete").containsExactly(7);
    assertThat(trail()).isEqualTo(trail);
  }

  @Test
  void theyAreKeptForEverUnlessAnOperatorSaysForHowLong() {
    String run = create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    clock.advance(Duration.ofDays(10_000));

    retention(Optional.empty()).deleteOld();

    assertThat(store.prompts(run)).isEqualTo(prompts());
    assertThat(heard.prompts).isEmpty();
  }

  @Test
  void theTimeIsCountedFromTheEndToTheMicrosecond() {
    String run = create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    clock.advance(MONTH);

    retention(MONTH).deleteOld();
    assertThat(store.prompts(run)).isEqualTo(prompts());
    clock.advance(Duration.ofNanos(1_000));
    retention(MONTH).deleteOld();

    assertGone(run);
  }

  @Test
  void nothingIsKeptLongerThanToTheNextLookIfTheTimeIsNone() {
    String ended = create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    String paused = create("default", Run::pause);
    clock.advance(Duration.ofNanos(1_000));

    retention(Duration.ZERO).deleteOld();

    assertGone(ended);
    assertThat(store.prompts(paused)).isEqualTo(prompts());
  }

  @Test
  void whatFailedLongAgoCanBeResumedAndItsTimeBeginsWhenItEnds() {
    String run = create("default", each -> each.failed("a peer was away"));
    clock.advance(Duration.ofDays(365));

    retention(MONTH).deleteOld();
    assertThat(store.change(run, Run::resume).state()).isEqualTo(RunState.QUEUED);
    assertThat(store.prompts(run)).isEqualTo(prompts());
    var ended =
        store.change(run, each -> each.ended(RunState.NO_SOLUTION_FOUND, "", clock.instant()));
    retention(MONTH).deleteOld();
    assertThat(store.prompts(run)).isEqualTo(prompts());
    clock.advance(MONTH.plusSeconds(1));
    retention(MONTH).deleteOld();

    assertGone(run);
  }

  @Test
  void whatAPersonPromotedLaterCountsFromThen() {
    String run = create("default", each -> each.ended(RunState.HELD, "", clock.instant()));
    clock.advance(MONTH);
    var promoted = store.change(run, each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    clock.advance(MONTH);

    retention(MONTH).deleteOld();

    assertThat(store.prompts(run)).isEqualTo(prompts());
  }

  @Test
  void runsThatAnotherOrchestratorIsAtAreLeftToIt() {
    String its = create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    String free = create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant()));
    clock.advance(MONTH.plusSeconds(1));
    try (Handle another = database.jdbi().open()) {
      another.begin();
      var locked =
          another
              .createQuery("select run_id from run_prompts where run_id = :id for update")
              .bind("id", its)
              .mapTo(String.class)
              .one();

      retention(MONTH).deleteOld();

      assertGone(free);
      assertThat(store.prompts(its)).isEqualTo(prompts());
      another.rollback();
    }
    retention(MONTH).deleteOld();

    assertGone(its);
    assertThat(heard.prompts).containsExactly(1, 1);
  }

  @Test
  void twoOrchestratorsAtOnceDeleteEachOnce() {
    List<String> runs = new ArrayList<>();
    for (int i = 0; i < 250; i++) {
      runs.add(create("default", each -> each.ended(RunState.PROMOTED, "", clock.instant())));
    }
    clock.advance(MONTH.plusSeconds(1));

    try (ExecutorService both = Executors.newFixedThreadPool(2)) {
      var one = CompletableFuture.runAsync(retention(MONTH)::deleteOld, both);
      var another = CompletableFuture.runAsync(retention(MONTH)::deleteOld, both);
      var unused = Await.result(CompletableFuture.allOf(one, another));
    }

    runs.forEach(this::assertGone);
    assertThat(heard.prompts.stream().mapToInt(Integer::intValue).sum()).isEqualTo(250);
    assertThat(heard.prompts).as("a hundred in a transaction").allMatch(count -> count <= 100);
    List<AuditEntry> trail = trail();
    assertThat(flaws(trail)).isEmpty();
    assertThat(
            trail.stream()
                .flatMap(entry -> RUNS.matcher(entry.content()).results())
                .map(MatchResult::group)
                .toList())
        .containsExactlyInAnyOrderElementsOf(
            heard.prompts.stream().map("\"runs\": \"%d\""::formatted).toList());
  }

  @Test
  void samplesOfSkippedUpdatesGoAsLongAfterTheEnd() {
    SkippedSampleFiles samples = new SkippedSampleFiles(root);
    String ended = create("default", run -> run.ended(RunState.STOPPED, "", clock.instant()));
    String anothers = create("acme", run -> run.ended(RunState.STOPPED, "", clock.instant()));
    String failed = create("default", run -> run.failed("not finite"));
    clock.advance(MONTH.plusSeconds(1));
    String recent = create("default", run -> run.ended(RunState.HELD, "", clock.instant()));
    List.of(ended, anothers, failed, recent).forEach(run -> keep(samples, run));
    Run elsewhere =
        new Run(
            "0a1b2c3d-0000-4000-8000-999999999999",
            "default",
            "of another database",
            "name: other",
            new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
            3,
            TestClock.START,
            RunProgress.queued());
    assertThat(samples.keep(elsewhere, 1, "loss: NaN", List.of())).isPresent();

    retention(Optional.empty()).deleteOld();
    assertThat(samples.runs()).as("kept for ever by default").hasSize(5);
    retention(MONTH).deleteOld();

    assertThat(samples.runs())
        .extracting(KeptSamples.OfRun::runId)
        .containsExactly(failed, recent, elsewhere.runId());
    assertThat(heard.samples).containsExactly(2);
    List<AuditEntry> trail = trail();
    assertThat(flaws(trail)).isEmpty();
    assertThat(trail.getLast().content())
        .contains(
            "\"action\": \"data.expire\"",
            "\"subject\": \"samples\"",
            "\"runs\": \"2\"",
            "\"ids_sha256\": \"" + Sha256.of(ended + "\n" + anothers + "\n") + "\"");

    retention(MONTH).deleteOld();
    assertThat(trail()).as("nothing is left to delete").isEqualTo(trail);
    keep(samples, ended); // a worker that let go late
    retention(MONTH).deleteOld();
    assertThat(heard.samples).containsExactly(2, 1);
  }

  @Test
  void samplesAreDeletedOnceTheTrailTellsItAndAgainWhileTheyAreThere() {
    String run = create("default", each -> each.ended(RunState.STOPPED, "", clock.instant()));
    clock.advance(MONTH.plusSeconds(1));
    int before = trail().size();
    List<Integer> told = new ArrayList<>();
    RunPromptStore prompts =
        new PostgresRunPrompts(database, new PostgresAudit("orchestrator", database));
    List<KeptSamples.OfRun> kept = List.of(new KeptSamples.OfRun("default", run));

    assertThat(prompts.deleteSamples(kept, _ -> fails(told), clock.instant(), MONTH)).isZero();
    assertThat(prompts.deleteSamples(kept, _ -> fails(told), clock.instant(), MONTH)).isZero();

    assertThat(told).as("others read it by then").containsExactly(before + 1, before + 2);
    List<AuditEntry> trail = trail();
    assertThat(flaws(trail)).isEmpty();
    assertThat(trail.subList(before, trail.size()))
        .allSatisfy(
            entry ->
                assertThat(entry.content())
                    .contains(
                        "\"action\": \"data.expire\"",
                        "\"subject\": \"samples\"",
                        "\"ids_sha256\": \"" + Sha256.of(run + "\n") + "\""));
  }

  /** A disk that fails, which notes how many entries the trail has. */
  private boolean fails(List<Integer> told) {
    told.add(trail().size());
    return false;
  }

  private void keep(SkippedSampleFiles samples, String runId) {
    Run run = store.find(runId).orElseThrow();
    assertThat(samples.keep(run, 1, "loss: NaN", List.of())).isPresent();
  }

  private String create(String tenant, UnaryOperator<Run> then) {
    String runId = "0a1b2c3d-0000-4000-8000-%012d".formatted(created++);
    var unused =
        store.create(
            new RunStore.NewRun(
                new Run(
                    runId,
                    tenant,
                    "kept",
                    "name: kept",
                    new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
                    3,
                    TestClock.START,
                    RunProgress.queued()),
                "",
                "fingerprint",
                prompts(),
                LoopState.initial(List.of())));
    return store.change(runId, then).runId();
  }

  /** More than any one run has, so that each place of a text has one. */
  private static PromptSets prompts() {
    return new PromptSets(
        List.of("Ada wrote this", "Ada wrote that"),
        new RowNotes(
            List.of(0.5, 1.0), List.of(new Labels("Ada liked this", ""), new Labels("", "Ada"))),
        List.of(new ReadSource("feedback", 2, 1, List.of(new BadRow(3, "empty")))),
        new GroupedPrompts(List.of("Ada tests", "Ada tests too"), List.of("Ada.java", "B.java")),
        new GroupedPrompts(List.of("Ada measures", "Ada waits"), List.of("Ada.java", "C.java")));
  }

  private PromptRetention retention(Duration time) {
    return retention(Optional.of(time));
  }

  private PromptRetention retention(Optional<Duration> time) {
    return new PromptRetention(
        new PostgresRunPrompts(database, new PostgresAudit("orchestrator", database)),
        new SkippedSampleFiles(root),
        clock,
        time,
        heard);
  }

  /** Deleted now: no text is left, who asks is told why, and where they came from stays. */
  private void assertGone(String runId) {
    assertThatThrownBy(() -> store.prompts(runId))
        .isInstanceOfSatisfying(
            MeshException.class,
            refusal -> assertThat(refusal.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage(
            "run %s has ended, and its prompts were deleted at %s: they are kept for so long only (ballast.orchestrator.prompt-retention)",
            runId, clock.instant());
    assertThat(row(runId)).contains("feedback").doesNotContain("Ada");
    assertThat(store.sources(runId)).isEqualTo(prompts().sources());
  }

  private String row(String runId) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery("select p::text from run_prompts p where run_id = :id")
                    .bind("id", runId)
                    .mapTo(String.class)
                    .one());
  }

  private List<AuditEntry> trail() {
    return new PostgresAudit("orchestrator", database).after(0, 1_000);
  }

  private static List<String> flaws(List<AuditEntry> entries) {
    AuditChain chain = new AuditChain();
    return entries.stream().flatMap(entry -> chain.add(entry).stream()).toList();
  }
}
