package io.ballast.loadtest.bench;

import io.ballast.kit.build.CodeVersion;
import io.ballast.loadtest.capacity.CallFigures;
import io.ballast.loadtest.capacity.CallKind;
import io.ballast.loadtest.capacity.CapacityFigures;
import io.ballast.loadtest.capacity.Server;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What suggestions, scores and events cost a mesh of four processes: processor time of each server
 * a call, by how many calls are under way. The caller's own is measured too, since it works on the
 * same machine.
 */
final class CapacityMeasurement {
  /** How many callers there are, one measurement each. */
  static final List<Integer> CALLERS = List.of(1, 2, 4, 8, 16, 32);

  /** Completions of a call of Score. */
  static final int ITEMS = 8;

  /** What is more than chance from one measurement to the next. */
  private static final double GROWS = 1.03;

  /**
   * Measurements without the check: each kind of call seldom and by each number of callers, and
   * versions.
   */
  static final int STEPS = CallKind.values().length * (CALLERS.size() + 1) + 2;

  private static final int MOST_WARM_UPS = 10;
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /**
   * Versions of the policy, and of the reward, that are loaded beside the one that serves, to see
   * what one takes: as many as {@code ballast.policy.max-pinned-versions} lets there be by default.
   * Of several, what the heap does by itself is less for each.
   */
  private static final List<String> FURTHER_VERSIONS = List.of("2", "3");

  private static final String POLICY = "java-tiny";
  private static final String REWARD = "java-reward";
  private static final double MEBI = 1 << 20;

  /**
   * Calls that come seldom, and the loads of the check, take so many times as long as the others:
   * there are few of them.
   */
  static final int LONGER_TIMES = 3;

  /** Between calls of which none meets another: long enough for threads and cores to be asleep. */
  private static final Duration REST = Duration.ofMillis(50);

  private final Path script;
  private final MeshUnderTest mesh;
  private final Duration duration;
  private final Pacer pacer;
  private final AtomicLong index = new AtomicLong();
  private final SuggestCalls asked = new SuggestCalls(true, 0);
  private final BlockingQueue<SuggestResponse> suggestions = new LinkedBlockingQueue<>();
  private final RewardTexts texts = new RewardTexts();
  private final Map<CallKind, Double> databaseBytes = new EnumMap<>(CallKind.class);
  private final Map<String, Integer> connections = new TreeMap<>();

  private CapacityMeasurement(Path script, MeshUnderTest mesh, Duration duration, Pacer pacer) {
    this.script = script;
    this.mesh = mesh;
    this.duration = duration;
    this.pacer = pacer;
  }

  /**
   * Measures a mesh that is started for it.
   *
   * @param work an empty folder
   * @param duration of each measurement by callers at a time, ≥ 1 s; {@link #LONGER_TIMES} as long
   *     of calls that come seldom, and of each load of the check
   * @param machine what it runs on, in words
   * @param check whether the mesh is loaded then, and the loads are simulated
   * @param measured told of the figures before that, so that they are not lost with a check that
   *     fails
   * @param step told {@link #STEPS} times, and of each load of the check
   * @return the simulation beside the loads; empty if that was not asked for
   */
  static List<CapacityCheck.Row> measure(
      Path script,
      Path work,
      Duration duration,
      String machine,
      boolean check,
      Pacer pacer,
      Consumer<CapacityFigures> measured,
      Runnable step) {
    try {
      for (String version : FURTHER_VERSIONS) {
        SwapBench.copy(script.resolveSibling("models"), POLICY, version, work);
        SwapBench.copy(script.resolveSibling("models"), REWARD, version, work);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try (MeshUnderTest mesh =
        MeshUnderTest.start(script, work, List.of("--split"), Map.of(), PATIENCE, channel -> {})) {
      return new CapacityMeasurement(script, mesh, duration, pacer)
          .all(machine, check, measured, step);
    }
  }

  private List<CapacityCheck.Row> all(
      String machine, boolean check, Consumer<CapacityFigures> measured, Runnable step) {
    ManagedChannel reward =
        NettyChannelBuilder.forAddress("127.0.0.1", mesh.port() + 1).usePlaintext().build();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      RewardCalls scores = new RewardCalls(texts, REWARD, Priority.PRIORITY_INTERACTIVE, ITEMS);
      var scored = RewardServiceGrpc.newBlockingStub(reward);
      Map<CallKind, ClosedLoop.Call> calls = new EnumMap<>(CallKind.class);
      calls.put(CallKind.SUGGESTION, unused -> suggest());
      calls.put(CallKind.SCORE, unused -> scores.ask(scored) / ITEMS);
      calls.put(CallKind.EVENT, unused -> tell());
      List<CallFigures> costs = new ArrayList<>();
      calls.forEach((kind, call) -> costs.add(figures(kind, call, callers, step)));
      CapacityFigures figures =
          new CapacityFigures(
              machine,
              CodeVersion.built().commit().orElse("unknown"),
              costs,
              footprint(callers, scored, step));
      measured.accept(figures);
      if (!check) {
        return List.of();
      }
      settleDatabase();
      return new CapacityCheck(
              calls, callers, duration.multipliedBy(LONGER_TIMES), pacer, this::cpuSeconds)
          .rows(figures, step);
    } finally {
      reward.shutdownNow();
    }
  }

  private CallFigures figures(
      CallKind kind, ClosedLoop.Call call, ExecutorService callers, Runnable step) {
    warm(call, callers);
    List<CallFigures.CpuAt> cpu = new ArrayList<>();
    long items = 0;
    Latencies seldom = ClosedLoop.seldom(duration.multipliedBy(LONGER_TIMES), REST, pacer, call);
    step.run();
    long bytes = databaseBytes();
    for (int count : CALLERS) {
      Map<Server, Double> before = cpuSeconds();
      ClosedLoop.Load load = ClosedLoop.load(count, duration, callers, pacer::nanoTime, call);
      Map<Server, Double> after = cpuSeconds();
      items += load.items();
      Map<Server, Double> millis = new EnumMap<>(Server.class);
      after.forEach(
          (server, seconds) ->
              millis.put(
                  server,
                  Math.max(0, seconds - before.getOrDefault(server, 0.0)) * 1e3 / load.items()));
      cpu.add(new CallFigures.CpuAt(count, millis));
      step.run();
    }
    databaseBytes.put(kind, Math.max(0.0, databaseBytes() - bytes) / items);
    connections().forEach((schema, count) -> connections.merge(schema, count, Math::max));
    return new CallFigures(
        kind,
        seldom.meanNanos() / 1e6,
        Math.min(10, seldom.deviationNanos() / seldom.meanNanos()),
        cpu);
  }

  /** Calls until they become more frequent no more: their code is compiled then. */
  private void warm(ClosedLoop.Call call, ExecutorService callers) {
    long last = 0;
    for (int i = 0; i < MOST_WARM_UPS; i++) {
      long items =
          ClosedLoop.load(CALLERS.getLast(), duration, callers, pacer::nanoTime, call).items();
      if (items < GROWS * last) {
        return;
      }
      last = items;
    }
  }

  private Map<Server, Double> cpuSeconds() {
    return Map.of(
        Server.CALLER,
            ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e9,
        Server.POLICY_SERVER, ProcessCpu.seconds(mesh.server("policy")),
        Server.REWARD_SERVER, ProcessCpu.seconds(mesh.server("reward")),
        Server.SAFETY_SERVER, ProcessCpu.seconds(mesh.server("safety")),
        Server.DATABASE, ProcessCpu.seconds(mesh.database()));
  }

  /** Of tables and indices, which grow a page at a time. */
  private long databaseBytes() {
    return bytes(mesh.databaseTables());
  }

  private static long bytes(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A minute brought more events than days do: what they leave to write is written now. */
  private void settleDatabase() {
    try {
      mesh.settleDatabase();
    } catch (SQLException e) {
      throw new IllegalStateException("the database cannot be vacuumed", e);
    }
  }

  /** Those that the load has just opened are among them: they are kept for a while. */
  private Map<String, Integer> connections() {
    try (Connection database = mesh.databaseAddress().connect()) {
      return DatabaseConnections.bySchema(database);
    } catch (SQLException e) {
      throw new IllegalStateException("the database's connections cannot be counted", e);
    }
  }

  /**
   * Memory that one more version of a model takes, weights and what it works with: the mean of some
   * that as many callers as ever ask, each after the other; the size of its files at the least.
   *
   * @param role of the server that runs it
   * @param models those whose files a version is made of
   * @param ask asks the version of this name
   */
  private double versionMebibytes(
      String role, List<String> models, Consumer<String> ask, Runnable step) {
    ProcessHandle server = mesh.server(role);
    double files =
        models.stream()
            .mapToDouble(
                model -> bytes(script.resolveSibling("models").resolve(model).resolve("1")) / MEBI)
            .sum();
    try (RemoteHeap heap = RemoteHeap.of(server)) {
      double before = settled(heap, server);
      FURTHER_VERSIONS.forEach(ask);
      double taken = (settled(heap, server) - before) / FURTHER_VERSIONS.size();
      step.run();
      return Math.max(files, taken);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double settled(RemoteHeap heap, ProcessHandle server) {
    long unused = heap.liveBytes();
    return mebibytes(server);
  }

  private void draw(String version, ExecutorService callers) {
    var unusedVersion =
        VersionServiceGrpc.newBlockingStub(mesh.channel())
            .registerVersion(
                RegisterVersionRequest.newBuilder().setModel(POLICY).setVersion(version).build());
    SuggestCalls pinned =
        new SuggestCalls(
            false, 0, ModelSelector.newBuilder().setModel(POLICY).setVersion(version).build());
    var stub = PolicyServiceGrpc.newBlockingStub(mesh.channel());
    var unusedLoad =
        ClosedLoop.load(
            CALLERS.getLast(), duration, callers, pacer::nanoTime, index -> pinned.ask(stub));
  }

  /** Each item anew, so that no scores are kept: they would count as the version's memory. */
  private void score(
      String version, RewardServiceGrpc.RewardServiceBlockingStub stub, ExecutorService callers) {
    RewardCalls scores = new RewardCalls(texts, REWARD, Priority.PRIORITY_INTERACTIVE, ITEMS);
    ModelSelector pinned = ModelSelector.newBuilder().setModel(REWARD).setVersion(version).build();
    ClosedLoop.Call call =
        index -> {
          ScoreRequest.Builder request = scores.request(texts.next()).toBuilder();
          request.setRewardModel(pinned).setBypassCache(true);
          return RewardCalls.ask(stub, request.build()).getResultsCount();
        };
    var unusedLoad = ClosedLoop.load(CALLERS.getLast(), duration, callers, pacer::nanoTime, call);
  }

  private CapacityFigures.Footprint footprint(
      ExecutorService callers, RewardServiceGrpc.RewardServiceBlockingStub scored, Runnable step) {
    Map<Server, Double> resident = new EnumMap<>(Server.class);
    resident.put(Server.POLICY_SERVER, mebibytes(mesh.server("policy")));
    resident.put(Server.REWARD_SERVER, mebibytes(mesh.server("reward")));
    resident.put(Server.SAFETY_SERVER, mebibytes(mesh.server("safety")));
    resident.put(
        Server.DATABASE,
        Stream.concat(Stream.of(mesh.database()), mesh.database().descendants())
            .mapToDouble(CapacityMeasurement::mebibytes)
            .sum());
    return new CapacityFigures.Footprint(
        resident,
        versionMebibytes("policy", List.of(POLICY), version -> draw(version, callers), step),
        // the trunk is in the graph of each version
        versionMebibytes(
            "reward", List.of(REWARD, POLICY), version -> score(version, scored, callers), step),
        databaseBytes.getOrDefault(CallKind.EVENT, 0.0),
        databaseBytes.getOrDefault(CallKind.SUGGESTION, 0.0),
        Map.of(
            Server.POLICY_SERVER, connections.getOrDefault("policy", 0),
            Server.SAFETY_SERVER, connections.getOrDefault("safety", 0)),
        connections.getOrDefault("orchestrator", 0));
  }

  private static double mebibytes(ProcessHandle process) {
    return ProcessMemory.resident(process) / MEBI;
  }

  private long suggest() {
    suggestions.add(asked.suggestion(PolicyServiceGrpc.newBlockingStub(mesh.channel())));
    return 1;
  }

  private long tell() throws InterruptedException {
    SuggestResponse suggestion = suggestions.take();
    suggestions.add(suggestion); // several events of one suggestion are as dear as one of several
    return SuggestCalls.accept(
        FeedbackServiceGrpc.newBlockingStub(mesh.channel()),
        suggestion,
        "-" + index.getAndIncrement());
  }
}
