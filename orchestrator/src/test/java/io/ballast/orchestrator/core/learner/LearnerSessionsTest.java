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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions get in while there is memory, of which a base that several share counts once. */
class LearnerSessionsTest {
  private static final Caller CALLER = new Caller("default", "");
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

  private LearnerSessions sessions(long mostBytes) {
    return sessions(mostBytes, 1);
  }

  private LearnerSessions sessions(long mostBytes, int queue) {
    AtomicLong ids = new AtomicLong();
    return new LearnerSessions(
        loader,
        new ModelFolders(List.of(root), root),
        selector -> new PinnedVersion(selector.model(), selector.name(), ""),
        new LearnerLimits(9, mostBytes, queue, 1, Duration.ofHours(1)),
        new LearnerSessions.Surroundings(
            InstantSource.fixed(Instant.EPOCH), () -> 0, () -> "id-" + ids.incrementAndGet()));
  }

  @Test
  void aSharedBaseCountsOnce() {
    try (LearnerSessions sessions = sessions(125)) {
      sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS);
      sessions.open(CALLER, VersionSelector.version("tiny", "1"), ADAPTERS);
      refused(sessions, "1", "2 sessions with 120 bytes are open and in use", "takes 10");
      refused(sessions, "2", "2 sessions with 120 bytes are open and in use", "takes 110");
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
      refused(sessions, "2", "2 sessions with 220 bytes are open and in use", "takes 10");
    }
  }

  private static void refused(
      LearnerSessions sessions, String version, String open, String wanted) {
    assertThatThrownBy(
            () -> sessions.open(CALLER, VersionSelector.version("tiny", version), ADAPTERS))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessageStartingWith(open)
        .hasMessageEndingWith(wanted);
  }
}
