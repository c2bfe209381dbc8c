package io.ballast.loadtest.bench;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Versions of policy, reward, cost and gate that are swapped again and again while callers ask: how
 * many calls failed, and how many answers were of two versions of the reward or of the gate. The
 * policy's second version has the weights of the first.
 */
final class SwapBench {
  /** About what two cores do, for what is told of progress. */
  static final double CALLS_A_SECOND = 130;

  private static final int CALLERS = 8;
  private static final long WARM_UP_CALLS = 2_000;
  private static final int SUGGEST_EACH = 20;
  private static final int COST_EACH = 4;
  private static final int TOKENS = 1;

  /** Completions of a call of Score. */
  private static final int ITEMS = 2;

  private static final Duration INTERVAL = Duration.ofSeconds(2);
  private static final int DEADLINE_SECONDS = 60;
  private static final int SAID_FAILURES = 10;
  private static final int STEPS = 20;
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String POLICY = "java-tiny";
  private static final List<String> COST_AND_GATE =
      List.of("java-cost", "java-gate-context", "java-gate-suggestion");
  private static final String REWARD = "java-reward";
  private static final String FIRST = "1";
  private static final String SECOND = "2";

  /** Two of each of policy, reward, cost and gate. */
  private static final int VERSIONS = 8;

  private static final String SECRET = "a-secret-of-this-benchmark-only";
  private static final Metadata.Key<String> BREAK_GLASS =
      Metadata.Key.of("x-ballast-break-glass", Metadata.ASCII_STRING_MARSHALLER);

  private final Path script;
  private final Path models;
  private final Path work;
  private final long calls;
  private final Runnable progress;
  private final Consumer<String> say;
  private final AtomicLong begun = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong mixed = new AtomicLong();
  private final Set<String> versions = ConcurrentHashMap.newKeySet();
  private final Set<String> failures = ConcurrentHashMap.newKeySet();
  private final RewardCalls scores =
      new RewardCalls(new RewardTexts(), REWARD, Priority.PRIORITY_INTERACTIVE, ITEMS);
  private final HigherRewards higher = new HigherRewards(SECOND);
  private final SuggestCalls suggestions = new SuggestCalls(true, TOKENS);

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param models that it serves
   * @param work a folder that may be written
   * @param calls how many are made, ≥ 1
   * @param progress told {@link #steps} times
   * @param say told why calls failed
   */
  SwapBench(
      Path script, Path models, Path work, long calls, Runnable progress, Consumer<String> say) {
    this.script = script;
    this.models = models;
    this.work = work;
    this.calls = calls;
    this.progress = progress;
    this.say = say;
  }

  /** How often {@link #run} tells of progress. */
  static int steps() {
    return STEPS;
  }

  /** Swaps under load. */
  List<Figure> run() throws IOException {
    Path data = work.resolve("swaps");
    copy(models, POLICY, SECOND, data);
    higher.write(
        models.resolve(REWARD).resolve(FIRST),
        models.resolve(POLICY).resolve(FIRST),
        data.resolve("models").resolve(REWARD).resolve(SECOND));
    Path rewards = Files.writeString(work.resolve("rewards.properties"), "");
    Path costs = Files.writeString(work.resolve("costs.properties"), "");
    Path secret = Files.writeString(work.resolve("break-glass"), SECRET);
    Map<String, String> environment =
        Map.of(
            "BALLAST_REWARD_SERVING_FILE", rewards.toString(),
            "BALLAST_SAFETY_SERVING_FILE", costs.toString(),
            "BALLAST_POLICY_BREAK_GLASS_TOKEN_FILE", secret.toString(),
            "BALLAST_REWARD_CACHE_BYTES", "0");
    int swaps;
    try (MeshUnderTest mesh = MeshUnderTest.start(script, data, environment, PATIENCE)) {
      swaps = swapUnderLoad(mesh.channel(), rewards, costs);
    }
    if (versions.size() < VERSIONS) {
      throw new IllegalStateException(
          "of %d versions only these answered: %s; failures: %s"
              .formatted(VERSIONS, versions.stream().sorted().toList(), failures));
    }
    failures.forEach(say);
    return List.of(
        Pairs.alone(
            "failed of %,d calls under %d swaps of policy, reward, cost and gate"
                .formatted(calls, swaps),
            "calls",
            List.of((double) failed.get()),
            new Goal.Below(1)),
        Pairs.alone(
            "... answers of two versions of the reward or of the gate",
            "answers",
            List.of((double) mixed.get()),
            new Goal.Below(1)));
  }

  /** Copies version 1 of a model into a mesh's data folder, as another version of it. */
  static void copy(Path models, String model, String version, Path data) throws IOException {
    Path from = models.resolve(model).resolve(FIRST);
    Path to = data.resolve("models").resolve(model).resolve(version);
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  /** How often all four were swapped until the calls had been made. */
  private int swapUnderLoad(ManagedChannel channel, Path rewards, Path costs) throws IOException {
    Metadata secret = new Metadata();
    secret.put(BREAK_GLASS, SECRET);
    VersionServiceBlockingStub versionService =
        VersionServiceGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(secret));
    var unused =
        versionService.registerVersion(
            RegisterVersionRequest.newBuilder().setModel(POLICY).setVersion(SECOND).build());
    Caller caller = new Caller(channel);
    int swaps = 0;
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      warmUp(caller, callers);
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        all.add(callers.submit(() -> call(caller)));
      }
      long told = 0;
      while (begun.get() < calls) {
        boolean second = swaps % 2 == 0;
        move(versionService, second);
        replace(rewards, second ? REWARD + "=" + SECOND : "");
        replace(
            costs,
            second
                ? String.join("=2\n", COST_AND_GATE) + "=2\n"
                : String.join("=1\n", COST_AND_GATE) + "=1\n");
        swaps++;
        LockSupport.parkNanos(INTERVAL.toNanos());
        for (; told < begun.get() * STEPS / calls && told < STEPS; told++) {
          progress.run();
        }
      }
      all.forEach(ClosedLoop::ended);
    }
    return swaps;
  }

  /** So that what answers late is late because of swaps, not because it is new. */
  private static void warmUp(Caller caller, ExecutorService callers) {
    AtomicLong made = new AtomicLong();
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      all.add(
          callers.submit(
              () -> {
                for (long index = made.getAndIncrement();
                    index < WARM_UP_CALLS;
                    index = made.getAndIncrement()) {
                  caller.call(index);
                }
              }));
    }
    all.forEach(ClosedLoop::ended);
  }

  private static void move(VersionServiceBlockingStub versionService, boolean second) {
    var unused =
        versionService.breakGlassAlias(
            BreakGlassAliasRequest.newBuilder()
                .setModel(POLICY)
                .setExpectedVersion(second ? FIRST : SECOND)
                .setNewVersion(second ? SECOND : FIRST)
                .setActor("bench")
                .setReason("versions are swapped under load")
                .build());
  }

  /** At once, as a mounted ConfigMap is: nobody reads half of it. */
  private static void replace(Path file, String text) throws IOException {
    Path next = Files.writeString(file.resolveSibling(file.getFileName() + ".next"), text);
    var unused = Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private void call(Caller caller) {
    for (long index = begun.getAndIncrement(); index < calls; index = begun.getAndIncrement()) {
      try {
        caller.call(index);
      } catch (StatusRuntimeException | IllegalStateException e) {
        failed.incrementAndGet();
        if (failures.size() < SAID_FAILURES) {
          failures.add(String.valueOf(e.getMessage()));
        }
      }
    }
  }

  /** The three kinds of calls, each of which must be whole. */
  private final class Caller {
    private final PolicyServiceBlockingStub policy;
    private final RewardServiceBlockingStub reward;
    private final SafetyServiceBlockingStub safety;

    Caller(ManagedChannel channel) {
      policy = PolicyServiceGrpc.newBlockingStub(channel);
      reward = RewardServiceGrpc.newBlockingStub(channel);
      safety = SafetyServiceGrpc.newBlockingStub(channel);
    }

    void call(long index) {
      if (index % SUGGEST_EACH == 0) {
        suggest();
      } else if (index % COST_EACH == 0) {
        cost();
      } else {
        score();
      }
    }

    private void suggest() {
      SuggestResponse answer =
          suggestions.whole(
              policy
                  .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                  .suggest(suggestions.request()));
      seen("policy", answer.getPolicyVersion());
      seen("gate", answer.getStageOne().getModelVersion());
      boolean oneGate =
          !answer.hasStageTwo()
              || answer
                  .getStageTwo()
                  .getModelVersion()
                  .getVersion()
                  .equals(answer.getStageOne().getModelVersion().getVersion());
      boolean oneReward = !answer.getReward().hasValue() || higher.isOfOne(answer.getReward());
      if (!oneGate || !oneReward) {
        mixed.incrementAndGet();
      }
    }

    private void score() {
      ScoreResponse answer = RewardCalls.ask(reward, scores.request(scores.texts().next()));
      seen("reward", answer.getModelVersion());
      if (!higher.isOfOne(answer)) {
        mixed.incrementAndGet();
      }
    }

    private void cost() {
      CostResponse answer =
          safety
              .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
              .cost(
                  CostRequest.newBuilder()
                      .setMetadata(RequestMetadata.newBuilder().setTenant("bench"))
                      .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
                      .addItems(
                          CostItem.newBuilder()
                              .setPrompt(text(RewardTexts.prompt(scores.texts().next())))
                              .setCompletion(text("size();")))
                      .build());
      if (answer.getResults(0).hasFailure()) {
        throw new IllegalStateException("Cost: " + answer.getResults(0).getFailure());
      }
      seen("cost", answer.getModelVersion());
    }

    private void seen(String role, ModelVersion version) {
      versions.add(role + "/" + version.getVersion());
    }

    private static TextOrTokens text(String text) {
      return TextOrTokens.newBuilder().setText(text).build();
    }
  }
}
