package io.ballast.orchestrator.testing;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.Versions;
import io.ballast.orchestrator.core.learner.Checkpoints;
import io.ballast.orchestrator.core.learner.LearnerLimits;
import io.ballast.orchestrator.core.learner.LearnerSessions;
import io.ballast.orchestrator.grpc.CallMapper;
import io.ballast.orchestrator.grpc.LearnerGrpcService;
import io.grpc.BindableService;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** A real learner on {@link TinyModel}, with ids that count. */
public final class TestLearner implements AutoCloseable {
  private static final int SESSIONS = 2;
  private static final long MUCH = 1L << 30;

  private final AtomicLong nanos = new AtomicLong();
  private final ModelFolders folders;
  private final LearnerSessions sessions;
  private final LearnerGrpcService service;

  /**
   * How much there is.
   *
   * @param sessions at a time
   * @param sessionBytes of all sessions' weights
   * @param machineBytes of weights and passes of all sessions
   */
  public record Room(int sessions, long sessionBytes, long machineBytes) {
    /** Two sessions, and more memory than they need. */
    public static Room plenty() {
      return new Room(SESSIONS, MUCH, MUCH);
    }

    /** The same for other sessions. */
    public Room withSessions(int count, long bytes) {
      return new Room(count, bytes, machineBytes);
    }

    /** The same of another machine. */
    public Room withMachineBytes(long bytes) {
      return new Room(sessions, sessionBytes, bytes);
    }
  }

  /** One with much room. */
  public TestLearner(Path root, Replies replies) {
    this(root, replies, Room.plenty());
  }

  /**
   * @param root holds models/ with the tiny model, and learner/ for checkpoints
   */
  public TestLearner(Path root, Replies replies, Room room) {
    Path models = root.resolve("models");
    folders = new ModelFolders(List.of(models), root.resolve("learner"));
    AtomicLong ids = new AtomicLong();
    Versions versions =
        selector ->
            folders.version(
                selector.model(),
                selector.name().equals(VersionSelector.SERVING)
                    ? TinyModel.VERSION
                    : selector.name());
    InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    sessions =
        new LearnerSessions(
            new TorchTraineeLoader(
                folders,
                Arithmetic.FLOAT32,
                16,
                256,
                1,
                new TorchTraineeLoader.Memory(room.machineBytes(), room.sessions())),
            folders,
            versions,
            (tenant, version, parent, run) -> {},
            new LearnerLimits(
                room.sessions(),
                room.sessions(),
                room.sessionBytes(),
                1,
                64,
                64,
                Duration.ofHours(1)),
            new LearnerSessions.Surroundings(
                clock, nanos::get, () -> "id-" + ids.incrementAndGet()),
            eviction -> {});
    service =
        new LearnerGrpcService(
            sessions,
            new Checkpoints(folders, (caller, name) -> {}),
            new CallMapper(RequestContexts::from),
            replies,
            () -> 7);
  }

  /** The service to serve. */
  public BindableService service() {
    return service;
  }

  /** Where its weights go. */
  public ModelFolders folders() {
    return folders;
  }

  /** Lets time pass. */
  public void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Override
  public void close() {
    sessions.close();
  }
}
