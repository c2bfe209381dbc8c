package io.ballast.standalone.process;

import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.grpc.AuditGrpcService;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.grpc.InferenceGrpcService;
import io.ballast.kit.kserve.grpc.Inferences;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.kit.security.Identities;
import io.ballast.standalone.config.MeshConfig;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The servers of a process, from claiming its data folder to freeing it. {@link #start} returns
 * when all of them answer; {@link #close} loses no call that ends in time.
 */
public final class MeshProcess implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MeshProcess.class);

  /** How soon it is seen that the embedded database has died. */
  private static final Duration DATABASE_LOOK = Duration.ofMillis(250);

  private final MeshConfig config;
  private final List<FolderLock> locks = new ArrayList<>();
  private final List<ServerModule> modules = new ArrayList<>();
  private @Nullable CompletableFuture<Postgres> postgres;
  private @Nullable ProcessRuntime runtime;
  private @Nullable ProcessSecurity security;
  private @Nullable MeshServer server;
  private @Nullable InferenceGrpcService kserve;
  private volatile boolean closed;

  private MeshProcess(MeshConfig config) {
    this.config = config;
  }

  /**
   * Starts the servers of {@code config}.
   *
   * @param module makes the server of a role
   * @throws MeshException if something is wrong, with what to do about it; what was started by then
   *     is stopped
   */
  public static MeshProcess start(
      MeshConfig config,
      Function<Role, ServerModule> module,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      InstantSource clock,
      LongSupplier nanoTime) {
    MeshProcess process = new MeshProcess(config);
    try {
      process.run(module, new ProcessRuntime.Surroundings(meters, telemetry, clock, nanoTime));
      return process;
    } catch (RuntimeException | Error e) {
      process.close();
      throw e;
    }
  }

  private void run(Function<Role, ServerModule> module, ProcessRuntime.Surroundings surroundings) {
    int port = freePort(config.server());
    ProcessSecurity guarded =
        ProcessSecurity.open(config, surroundings.meters(), surroundings.clock());
    security = guarded;
    for (Role role : config.rolesInOrder()) {
      locks.add(
          FolderLock.claim(
              config.data(), role, ProcessHandle.current().pid(), port, config.httpPort()));
    }
    TemporaryFiles.dropThoseOfTheDead(config.data());
    CompletableFuture<Postgres> database =
        needsDatabase()
            ? CompletableFuture.supplyAsync(
                () -> open(surroundings.meters()), Thread::startVirtualThread)
            : CompletableFuture.failedFuture(
                new IllegalStateException("no server of this process keeps a database"));
    postgres = database;
    sayWhatRuns(surroundings.meters());
    sayWhoServes(surroundings.meters());
    DiskRoom.measure(config.data(), surroundings.meters());
    ProcessRuntime given =
        new ProcessRuntime(config, port, surroundings, guarded, () -> join(database));
    runtime = given;
    List<BindableService> services = new ArrayList<>();
    for (Role role : config.rolesInOrder()) {
      long begin = surroundings.nanoTime().getAsLong();
      ServerModule made = module.apply(role);
      modules.add(made);
      services.addAll(made.start(given));
      LOG.info(
          "{} started in {} ms",
          role.label(),
          (surroundings.nanoTime().getAsLong() - begin) / 1_000_000);
    }
    List<ServedModels> models = modules.stream().flatMap(made -> made.models().stream()).toList();
    if (!models.isEmpty()) {
      InferenceGrpcService inference =
          new InferenceGrpcService(
              models,
              given.replies(),
              new StatusMapper(config.processName()),
              this::isServing,
              new Inferences(surroundings.clock(), surroundings.nanoTime()));
      kserve = inference;
      services.add(inference);
    }
    List<AuditTrail> trails = modules.stream().flatMap(made -> made.audits().stream()).toList();
    if (!trails.isEmpty()) {
      services.add(new AuditGrpcService(trails, given.replies()));
    }
    server =
        MeshServer.start(
            config.server().at(port),
            guarded.edge(),
            config.limits(),
            services,
            surroundings.meters(),
            surroundings.telemetry(),
            surroundings.nanoTime());
    given.connect();
    modules.forEach(ServerModule::serving);
  }

  /** The port of gRPC. */
  public int port() {
    return started(server).port();
  }

  /** The roles that are played here, in the order of their start. */
  public List<Role> roles() {
    return config.rolesInOrder();
  }

  /** Where a server is, {@code host:port} each: this process, or what it was told of its peers. */
  public List<String> addresses(Role role) {
    return config.roles().contains(role)
        ? List.of(config.server().host() + ":" + port())
        : config.peers().getOrDefault(role, List.of());
  }

  /** A channel to a server, here or elsewhere, as the servers themselves have it. */
  public Channel peer(Role role) {
    return started(runtime).peer(role);
  }

  /** A channel to the servers here whose calls pass all that calls over the network pass. */
  public Channel inside() {
    return started(server).inside();
  }

  /** Has the log told of a request over HTTP; see {@link MeshServer#tellRefused}. */
  public void tellRefused(String reason, String path, Optional<InetAddress> from, String message) {
    started(server).tellRefused(reason, path, from, message);
  }

  /** Who callers are. */
  public Identities identities() {
    return started(security).edge().identities();
  }

  /** Whether calls are taken: from the end of {@link #start} until {@link #close} begins. */
  public boolean isServing() {
    return server != null && !closed;
  }

  /** How many calls are under way; {@link #close} waits for them. */
  public int callsUnderWay() {
    return started(server).callsUnderWay();
  }

  /** How long {@link #close} waits for calls under way; then they are ended. */
  public Duration drain() {
    return config.server().drain();
  }

  /** What keeps parts of the servers from answering now, by server and part. */
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>();
    if (isServing()) {
      for (ServerModule module : modules) {
        module.flaws().forEach((part, why) -> flaws.put(module.role().label() + ": " + part, why));
      }
    }
    return flaws;
  }

  /** The servers that those of this process call and that are not connected now. */
  public List<Role> peersAway() {
    ProcessRuntime given = runtime;
    return given == null ? List.of() : given.peersAway();
  }

  /** Whether calls can be served while the database is away: no server here is lost without it. */
  public boolean servesWithoutDatabase() {
    return modules.stream()
        .filter(module -> keepsDatabase(module.role()))
        .allMatch(ServerModule::servesWithoutDatabase);
  }

  /** Whether the database answers; empty if no server of this process has one. */
  public Optional<Boolean> databaseReachable() {
    CompletableFuture<Postgres> database = postgres;
    return database == null || !needsDatabase()
        ? Optional.empty()
        : Optional.of(
            database.isDone()
                && !database.isCompletedExceptionally()
                && database.join().isReachable());
  }

  /** Drains, stops the servers in reverse order, then what they shared. Does nothing twice. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    MeshServer serving = server;
    if (serving != null) {
      serving.drain();
    }
    modules.reversed().forEach(module -> quietly(module.role().label(), module));
    if (serving != null) {
      serving.close();
    }
    if (kserve != null) {
      quietly("KServe", kserve);
    }
    if (runtime != null) {
      quietly("calls to peers", runtime);
    }
    if (security != null) {
      quietly("certificates", security);
    }
    CompletableFuture<Postgres> database = postgres;
    if (database != null && needsDatabase()) {
      quietly("database", () -> database.thenAccept(Postgres::close).join());
    }
    locks.forEach(lock -> quietly("lock of the data folder", lock));
  }

  /** Whatever fails to stop, the rest has to be stopped too. */
  private static void quietly(String what, AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) {
      LOG.warn("{} did not stop cleanly: {}", what, e.toString());
    }
  }

  /** Processes of one mesh that were built of different code are seen by it. */
  private static void sayWhatRuns(MeterRegistry meters) {
    CodeVersion code = CodeVersion.built();
    var unused =
        Gauge.builder("ballast.build.info", () -> 1)
            .tag("release", code.release())
            .tag("commit", code.commit().orElse("unknown"))
            .register(meters);
  }

  /** A server that is gone, or starts for long, is seen by its role, whatever else it measures. */
  private void sayWhoServes(MeterRegistry meters) {
    for (Role role : config.rolesInOrder()) {
      var unused =
          Gauge.builder("ballast.server.up", this, process -> process.isServing() ? 1 : 0)
              .description("Whether the server takes calls")
              .tag("server", role.label())
              .register(meters);
    }
  }

  private boolean needsDatabase() {
    return config.roles().stream().anyMatch(MeshProcess::keepsDatabase);
  }

  private static boolean keepsDatabase(Role role) {
    return switch (role) {
      case POLICY_SERVER, SAFETY_SERVER, ORCHESTRATOR -> true;
      case REWARD_SERVER -> false;
    };
  }

  private Postgres open(MeterRegistry meters) {
    return config
        .database()
        .map(address -> Postgres.at(address, config.databaseSettings(), meters))
        .orElseGet(
            () ->
                Postgres.embedded(
                        config.data().resolve("postgres"),
                        config.data().resolve("logs").resolve("postgres.log"),
                        config.databaseSettings(),
                        meters)
                    .keepRunning(DATABASE_LOOK));
  }

  private static Postgres join(CompletableFuture<Postgres> database) {
    try {
      return database.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof MeshException known) {
        throw known;
      }
      throw e;
    }
  }

  /** The port to listen on, free now: better known at once than after the models are loaded. */
  private static int freePort(MeshServer.Options options) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName(options.host()), options.port()));
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "port %d on %s cannot be had: %s; choose another with --port or stop what listens there"
              .formatted(options.port(), options.host(), e.getMessage()),
          Map.of("host", options.host(), "port", Integer.toString(options.port())));
    }
  }

  private static <T> T started(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the process has not started");
    }
    return part;
  }
}
