package io.ballast.orchestrator.wiring;

import com.sun.management.OperatingSystemMXBean;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.outbox.EventJson;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.adapter.ArchivedPrompts;
import io.ballast.orchestrator.adapter.EventFolder;
import io.ballast.orchestrator.adapter.EventRecorder;
import io.ballast.orchestrator.adapter.GrpcCostCheck;
import io.ballast.orchestrator.adapter.GrpcCosts;
import io.ballast.orchestrator.adapter.GrpcFeedbackStream;
import io.ballast.orchestrator.adapter.GrpcLookCheck;
import io.ballast.orchestrator.adapter.GrpcPolicyVersions;
import io.ballast.orchestrator.adapter.GrpcRewardCheck;
import io.ballast.orchestrator.adapter.GrpcRewards;
import io.ballast.orchestrator.adapter.GrpcRollouts;
import io.ballast.orchestrator.adapter.GrpcSafetyTester;
import io.ballast.orchestrator.adapter.HolderFile;
import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.PostgresCheckpointTrail;
import io.ballast.orchestrator.adapter.PostgresRunPrompts;
import io.ballast.orchestrator.adapter.PostgresRunStore;
import io.ballast.orchestrator.adapter.RetentionTelemetry;
import io.ballast.orchestrator.adapter.RunEvents;
import io.ballast.orchestrator.adapter.RunTelemetry;
import io.ballast.orchestrator.adapter.SessionTelemetry;
import io.ballast.orchestrator.adapter.SkippedSampleFiles;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.adapter.StoredRollouts;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.config.OrchestratorConfig;
import io.ballast.orchestrator.core.learner.Checkpoints;
import io.ballast.orchestrator.core.learner.LearnerSessions;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.Sleeper;
import io.ballast.orchestrator.core.promotion.Promoter;
import io.ballast.orchestrator.core.run.PromptRetention;
import io.ballast.orchestrator.core.run.RunCertificates;
import io.ballast.orchestrator.core.run.RunFiles;
import io.ballast.orchestrator.core.run.RunJudges;
import io.ballast.orchestrator.core.run.RunLeases;
import io.ballast.orchestrator.core.run.RunMonitor;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.run.RunWorkers;
import io.ballast.orchestrator.core.run.Runs;
import io.ballast.orchestrator.core.run.TrainingLoop;
import io.ballast.orchestrator.grpc.CallMapper;
import io.ballast.orchestrator.grpc.LearnerGrpcService;
import io.ballast.orchestrator.grpc.RunGrpcService;
import io.ballast.orchestrator.grpc.RunMapper;
import io.grpc.BindableService;
import io.grpc.Channel;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An orchestrator, built and ready to serve; its runs go on once {@link #open} is called. */
public final class OrchestratorServer implements AutoCloseable {
  /** The schema that the orchestrator owns. */
  public static final String SCHEMA = "orchestrator";

  private static final Logger LOG = LoggerFactory.getLogger(OrchestratorServer.class);
  private static final double RETRY_REFILL = 0.1;

  /** A lease outlives so many renewals less one that fail. */
  private static final int LEASE_SWEEPS = 4;

  /** How often is looked for what is older than it is kept. */
  private static final Duration UPKEEP_INTERVAL = Duration.ofHours(1);

  private final OrchestratorConfig config;
  private final PostgresAudit audit;
  private final LearnerSessions sessions;
  private final RunWorkers workers;
  private final PromptRetention retention;
  private final List<BindableService> services;
  private final ExecutorService callers =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("judge-", 0).factory());
  private final ScheduledExecutorService sweeper;
  private final ScheduledExecutorService upkeep; // leases must not wait for it

  /**
   * What comes from outside the process.
   *
   * @param contexts validates the metadata of requests
   * @param random draws jitter and seeds; must be safe for use by many threads
   * @param ids makes UUIDs
   * @param sleeper lets time pass between tries
   */
  public record Surroundings(
      Function<RequestMetadata, RequestContext> contexts,
      RandomGenerator random,
      Supplier<String> ids,
      Sleeper sleeper) {}

  /**
   * Builds every part; calls no peer.
   *
   * @param copies where a policy-server of this process finds weights without a folder; empty if
   *     there is none
   */
  public OrchestratorServer(
      OrchestratorConfig config,
      MeshRuntime runtime,
      Surroundings surroundings,
      Optional<HandedCopies> copies) {
    this.config = config;
    ModelFolders folders =
        new ModelFolders(runtime.modelFolders(), runtime.dataFolder().resolve("learner"));
    TrainingMemory memory = TrainingMemory.of(memoryBytes(), config);
    TorchTraineeLoader ofSessions = loader(config, folders, memory.sessions());
    TorchTraineeLoader byFolders = ofSessions.with(memory.runs());
    TraineeLoader ofRuns =
        copies
            .filter(given -> config.rolloutsInMemory())
            .map(byFolders::handingTo)
            .orElse(byFolders);
    Channel policy = runtime.peer(Role.POLICY_SERVER);
    Channel reward = runtime.peer(Role.REWARD_SERVER);
    Channel safety = runtime.peer(Role.SAFETY_SERVER);
    GrpcPolicyVersions versions = new GrpcPolicyVersions(policy, config.peerTimeout());
    ChangeSignal changes = new ChangeSignal();
    Database database = runtime.database(SCHEMA);
    audit = new PostgresAudit(SCHEMA, database);
    runtime.configuration().ifPresent(audit::configured);
    RunStore store =
        new PostgresRunStore(
            database,
            changes,
            new RunEvents(
                runtime.outbox(Role.ORCHESTRATOR, database),
                (run, iteration, first) -> EventJson.of(RunMapper.seen(run, iteration, first)),
                () -> UUID.fromString(surroundings.ids().get()),
                runtime.clock()));
    StoredRollouts rollouts = new StoredRollouts(runtime.modelFolders().getFirst());
    SkippedSampleFiles samples = new SkippedSampleFiles(runtime.dataFolder());
    RunFiles files = new RunFiles(folders, rollouts);
    RunMonitor monitor = monitor(config, runtime);
    SpecParser specs = new SpecParser();
    GrpcSafetyTester tester = new GrpcSafetyTester(safety, config.peerTimeout(), config.testWait());
    GrpcRewards rewards = new GrpcRewards(reward, config.peerTimeout());
    Supplier<Patience> patience =
        () ->
            new Patience(
                config.patience(),
                new RetryBudget(config.retryBudget(), RETRY_REFILL),
                surroundings.sleeper(),
                runtime.nanoTime(),
                surroundings.random());
    TrainingLoop loop =
        new TrainingLoop(
            store,
            specs,
            new TrainingLoop.Peers(
                new GrpcRollouts(policy, config.peerTimeout()),
                rewards,
                rewards,
                new GrpcCosts(safety, config.peerTimeout()),
                versions,
                tester,
                new GrpcFeedbackStream(policy, config.peerTimeout(), runtime.nanoTime())),
            new TrainingLoop.Weights(ofRuns, folders, rollouts, samples),
            new Patiences(
                patience.get(), patience.get(), patience.get(), patience.get(), patience.get()),
            new TrainingLoop.Surroundings(runtime.clock(), runtime.nanoTime(), callers),
            monitor,
            config.tokensPerPass());
    RunLeases leases =
        new RunLeases(
            store,
            HolderFile.read(runtime.dataFolder(), surroundings.ids()),
            config.sweepInterval().multipliedBy(LEASE_SWEEPS));
    this.retention =
        new PromptRetention(
            new PostgresRunPrompts(database, audit),
            samples,
            runtime.clock(),
            config.promptRetention(),
            new RetentionTelemetry(runtime.meters()));
    this.workers = new RunWorkers(store, loop, files, monitor, leases, config.concurrentRuns());
    this.sessions =
        new LearnerSessions(
            ofSessions,
            folders,
            versions,
            versions,
            config.learner().within(memory.sessions().bytes()),
            new LearnerSessions.Surroundings(
                runtime.clock(), runtime.nanoTime(), surroundings.ids()),
            new SessionTelemetry(runtime.meters()));
    CallMapper calls = new CallMapper(surroundings.contexts());
    Runs runs =
        new Runs(
            store,
            specs,
            new ArchivedPrompts(runtime.dataFolder(), policy, config.peerTimeout()),
            versions,
            new Promoter(versions, tester),
            new RunJudges(
                new GrpcRewardCheck(reward, config.peerTimeout()),
                new GrpcCostCheck(safety, config.peerTimeout()),
                new GrpcLookCheck(safety, config.peerTimeout()),
                ofRuns),
            workers,
            files,
            new RunCertificates(tester, specs),
            changes,
            new Runs.Surroundings(
                runtime.clock(),
                surroundings.ids(),
                config.watchInterval(),
                config.runsPerTenant()));
    this.services =
        List.of(
            new RunGrpcService(runs, calls, runtime.replies()),
            new LearnerGrpcService(
                sessions,
                new Checkpoints(folders, new PostgresCheckpointTrail(database, audit)),
                calls,
                runtime.replies(),
                surroundings.random()::nextLong));
    this.sweeper =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("run-sweeper").factory());
    this.upkeep =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("run-upkeep").factory());
  }

  private static RunMonitor monitor(OrchestratorConfig config, MeshRuntime runtime) {
    RunTelemetry telemetry = new RunTelemetry(runtime.meters(), runtime.telemetry());
    return config
        .tensorboardFolder()
        .<RunMonitor>map(
            folder ->
                new EventRecorder(
                    telemetry,
                    new EventFolder(folder),
                    metrics -> IterationScalars.of(RunMapper.metrics(metrics))))
        .orElse(telemetry);
  }

  private static TorchTraineeLoader loader(
      OrchestratorConfig config, ModelFolders folders, TorchTraineeLoader.Memory memory) {
    Arithmetic arithmetic = Arithmetic.of(config.arithmetic());
    LOG.info("weights are trained in {}", arithmetic);
    int window = config.learner().sampleWindow();
    return new TorchTraineeLoader(
        folders, arithmetic, window, 2 * window, config.trainingLanes(), memory);
  }

  /** What the machine, or the container, has for models in training. */
  private static long memoryBytes() {
    OperatingSystemMXBean machine =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return MemoryBudget.defaultBytes(
        machine.getTotalMemorySize(), Runtime.getRuntime().maxMemory());
  }

  /** What was done for good. */
  public AuditTrail audit() {
    return audit;
  }

  /** RunService and LearnerService. */
  public List<BindableService> services() {
    return services;
  }

  /**
   * Takes up the runs that were under way, and looks for others from now on, and for what is older
   * than it is kept.
   */
  public void open() {
    try {
      workers.open();
    } catch (RuntimeException e) { // the sweeper tries again
      LOG.warn("runs could not be taken up: {}", e.getMessage());
    }
    long nanos = config.sweepInterval().toNanos();
    var unused = sweeper.scheduleWithFixedDelay(this::sweep, nanos, nanos, TimeUnit.NANOSECONDS);
    if (config.promptRetention().isPresent()) {
      long interval = UPKEEP_INTERVAL.toNanos();
      var often = upkeep.scheduleWithFixedDelay(this::deleteOld, 0, interval, TimeUnit.NANOSECONDS);
    }
  }

  /** Deletes what is older than it is kept; on failure the next look goes on. */
  public void deleteOld() {
    try {
      retention.deleteOld();
    } catch (RuntimeException e) {
      LOG.warn("what is old could not be deleted: {}", Wordless.of(e).toString());
    }
  }

  private void sweep() {
    try {
      workers.open();
    } catch (RuntimeException e) {
      LOG.debug("runs could not be looked for: {}", e.getMessage());
    }
  }

  @Override
  public void close() {
    sweeper.shutdownNow();
    upkeep.shutdownNow();
    workers.close();
    callers.shutdownNow();
    sessions.close();
  }
}
