package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.testing.FakeTrainee;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sessions get in while there is room for their tenant and for all; of memory a base that several
 * share counts once.
 */
class LearnerSessionsTest {
  private static final Caller CALLER = new Caller("default", "");
  private static final Caller ALICE = new Caller("alice", "");
  private static final Caller BOB = new Caller("bob", "");
  private static final Duration IDLE = Duration.ofHours(1);
  private static final TraineeOptions WEIGHTS = TraineeOptions.of(OptimizerSettings.ofRate(0.1));
  private static final TraineeOptions ADAPTERS =
      TraineeOptions.of(OptimizerSettings.ofRate(0.1))
          .withAdapters(new AdapterSettings(1, 1, Set.of(AdapterSettings.Projection.Q_PROJ), 1));

  @TempDir private Path root;

  /** A session takes 10 bytes, and a base of adapters 100. */
  private static final class Loader implements TraineeLoader {
    private final List<FakeTrainee> loaded = new ArrayList<>();

    @Override
    public long memoryBytes(PinnedVersion base, TraineeOptions options) {
      return 10;
    }

    @Override
    public long sharedBytes(PinnedVersion base, TraineeOptions options) {
      return options.adapters().isPresent() ? 100 : 0;
    }

    @Override
    public <T> T tokenizing(PinnedVersion base, Function<Tokenizer, T> work) {
      throw new AssertionError("a session reads no text");
    }

    @Override
    public Trainee load(PinnedVersion base, TraineeOptions options) {
      FakeTrainee trainee = new FakeTrainee();
      loaded.add(trainee);
      return trainee;
    }
  }

  private final Loader loader = new Loader();
  private final AtomicLong nanos = new AtomicLong();
  private final List<SessionMonitor.Eviction> evictions = new ArrayList<>();

  private LearnerSessions sessions(long mostBytes) {
    return sessions(mostBytes, 1);
  }

  private LearnerSessions sessions(long mostBytes, int queue) {
    return sessions(new LearnerLimits(9, 9, mostBytes, 1, queue, 1, IDLE));
  }

  private LearnerSessions sessions(LearnerLimits limits) {
    AtomicLong ids = new AtomicLong();
    return new LearnerSessions(
        loader,
        new ModelFolders(List.of(root), root),
        selector -> new PinnedVersion(selector.model(), selector.name(), ""),
        (tenant, version, parent, run) -> {},
        limits,
        new LearnerSessions.Surroundings(
            InstantSource.fixed(Instant.EPOCH), nanos::get, () -> "id-" + ids.incrementAndGet()),
        evictions::add);
  }

  @Test
  void aSharedBaseCountsOnce() {
    try (LearnerSessions sessions = sessions(125)) {
      sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS);
      sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS);
      refused(sessions, "1", "2 sessions with 120 bytes are in use", "takes 10");
      refused(sessions, "2", "2 sessions with 120 bytes are in use", "takes 110");
      assertThat(sessions.sessions(CALLER)).hasSize(2);
    }
  }

  @Test
  void whatFailsHalfWayLeavesNoWeightsAndTakesNoRoom() {
    try (LearnerSessions sessions = sessions(125, 0)) { // no queue can be so short
      assertThatThrownBy(
              () -> sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(loader.loaded)
          .singleElement()
          .extracting(t -> t.calls)
          .isEqualTo(List.of("close"));
      assertThat(sessions.sessions(CALLER)).isEmpty();
    }
  }

  @Test
  void equalOptionsAreTheSameRequestWhateverTheOrderOfTheirProjections() {
    Projection[] all = Projection.values();
    Set<Projection> forth = new LinkedHashSet<>(List.of(all));
    Set<Projection> back = new LinkedHashSet<>(List.of(all).reversed());
    Caller keyed = new Caller("default", "key");
    try (LearnerSessions sessions = sessions(125)) {
      LearnerSession session =
          sessions.open(keyed, VersionSelector.version("tiny", "1"), adapters(forth));
      assertThat(sessions.open(keyed, VersionSelector.version("tiny", "1"), adapters(back)))
          .isSameAs(session);
    }
    assertThat(adapters(back).toString())
        .contains("[Q_PROJ, K_PROJ, V_PROJ, O_PROJ, GATE_PROJ, UP_PROJ, DOWN_PROJ]");
  }

  private static TraineeOptions adapters(Set<Projection> projections) {
    return TraineeOptions.of(OptimizerSettings.ofRate(0.1))
        .withAdapters(new AdapterSettings(1, 1, projections, 1));
  }

  @Test
  void anotherBaseCountsToo() {
    try (LearnerSessions sessions = sessions(220)) {
      sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS);
      sessions.open(CALLER, VersionSelector.version("tiny", "2"), ADAPTERS);
      refused(sessions, "2", "2 sessions with 220 bytes are in use", "takes 10");
    }
  }

  @Test
  void aTenantAtItsBoundLeavesRoomForOthers() {
    try (LearnerSessions sessions = sessions(new LearnerLimits(3, 2, 1_000, 1, 1, 1, IDLE))) {
      open(sessions, ALICE);
      open(sessions, ALICE);
      refused(
          () -> open(sessions, ALICE),
          "2 sessions of tenant 'alice' with 20 bytes are in use, limit 2"
              + " (ballast.orchestrator.learner-sessions-per-tenant), and this one takes 10:"
              + " ListSessions shows them, CloseSession closes one");
      open(sessions, BOB);
      refused(
          () -> open(sessions, BOB),
          "3 sessions with 30 bytes are in use, limit 3"
              + " (ballast.orchestrator.learner-sessions), and this one takes 10:"
              + " ListSessions shows yours, CloseSession closes one");
      sessions.close(ALICE, sessions.sessions(ALICE).getFirst().identity().id());
      open(sessions, BOB);
      assertThat(sessions.sessions(BOB)).hasSize(2);
    }
  }

  @Test
  void aTenantsMemoryIsAShareOfAll() {
    try (LearnerSessions sessions = sessions(new LearnerLimits(20, 20, 200, 0.6, 1, 1, IDLE))) {
      sessions.open(ALICE, VersionSelector.version("tiny", "1"), ADAPTERS);
      sessions.open(ALICE, VersionSelector.version("tiny", "1"), ADAPTERS);
      refused(
          () -> open(sessions, ALICE),
          "2 sessions of tenant 'alice' with 120 bytes are in use, limit 120 bytes"
              + " (ballast.orchestrator.learner-memory-share-per-tenant), and this one takes 10:");
      for (int i = 0; i < 8; i++) { // 80 bytes are left to others
        open(sessions, BOB);
      }
      refused(() -> open(sessions, BOB), "10 sessions with 200 bytes");
    }
  }

  @Test
  void whoIsAtItsBoundHasItsOwnIdleSessionsEvictedAndNobodyElses() {
    try (LearnerSessions sessions = sessions(new LearnerLimits(3, 2, 1_000, 1, 1, 1, IDLE))) {
      LearnerSession ofBob = open(sessions, BOB); // idle for longest
      nanos.incrementAndGet();
      LearnerSession first = open(sessions, ALICE);
      nanos.incrementAndGet();
      LearnerSession second = open(sessions, ALICE);
      nanos.addAndGet(IDLE.toNanos());

      LearnerSession third = open(sessions, ALICE);

      assertThat(sessions.sessions(ALICE)).containsExactlyInAnyOrder(second, third);
      assertThat(sessions.sessions(BOB)).containsExactly(ofBob);
      assertThat(loader.loaded.get(1).calls).as("%s", first).contains("close");
      assertThat(evictions)
          .containsExactly(
              new SessionMonitor.Eviction(
                  first.identity(), 0, IDLE.plus(Duration.ofNanos(1)), "alice"));
      assertThat(evictions.getFirst().ofSameTenant()).isTrue();
    }
  }

  @Test
  void whereAllIsFullWhoIsIdleForLongestMakesRoomForAnyTenantAndThatIsTold() {
    try (LearnerSessions sessions = sessions(new LearnerLimits(2, 2, 1_000, 1, 1, 1, IDLE))) {
      LearnerSession ofBob = open(sessions, BOB);
      nanos.incrementAndGet();
      LearnerSession ofAlice = open(sessions, ALICE);
      nanos.addAndGet(IDLE.toNanos());

      LearnerSession another = open(sessions, ALICE);

      assertThat(sessions.sessions(ALICE)).containsExactlyInAnyOrder(ofAlice, another);
      assertThat(sessions.sessions(BOB)).isEmpty();
      assertThat(evictions)
          .containsExactly(
              new SessionMonitor.Eviction(
                  ofBob.identity(), 0, IDLE.plus(Duration.ofNanos(1)), "alice"));
      assertThat(evictions.getFirst().ofSameTenant()).isFalse();
    }
  }

  @Test
  void whoIsRefusedHasPutNobodyOut() {
    try (LearnerSessions sessions = sessions(new LearnerLimits(9, 9, 40, 0.75, 1, 1, IDLE))) {
      LearnerSession ofBob = open(sessions, BOB);
      LearnerSession ofAlice = open(sessions, ALICE);
      nanos.addAndGet(IDLE.toNanos());
      assertThatThrownBy(() -> sessions.open(ALICE, VersionSelector.version("tiny", "1"), ADAPTERS))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
          .hasMessage(
              "this session takes 110 bytes, limit 30 (ballast.orchestrator.learner-memory-share-per-tenant): it never fits");
      assertThat(sessions.sessions(ALICE)).containsExactly(ofAlice);
      assertThat(sessions.sessions(BOB)).containsExactly(ofBob);
      assertThat(loader.loaded).allSatisfy(each -> assertThat(each.calls).isEmpty());
      assertThat(evictions).isEmpty();
    }
  }

  private static LearnerSession open(LearnerSessions sessions, Caller caller) {
    return sessions.open(caller, VersionSelector.version("tiny", "1"), WEIGHTS);
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessageStartingWith(message);
  }

  private static void refused(LearnerSessions sessions, String version, String open, String takes) {
    assertThatThrownBy(
            () -> sessions.open(CALLER, VersionSelector.version("tiny", version), ADAPTERS))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessageStartingWith(open)
        .hasMessageContaining("this one " + takes + ":");
  }
}
