package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.SkippedSampleFiles;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.adapter.StoredRollouts;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.DataSource;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.FakePeers;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.InMemoryRunStore;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.orchestrator.testing.QuietMonitor;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What outlives a process that runs a training loop: the database, the disk, the other servers. */
final class LoopWorld {
  static final String RUN_ID = "0a1b2c3d-0000-4000-8000-000000000000";
  static final Duration LEASE = Duration.ofSeconds(20);

  private static final List<String> PROMPTS = List.of("int a", "int b", "int c", "int d", "int e");
  private static final List<String> TEXTS =
      List.of("class A", "class B {}", "enum", "x = 1", "var y");

  int finite; // updates of each trainee
  int failures; // of those after
  @Nullable Error broken; // what opening weights fails by
  int room = Integer.MAX_VALUE; // checkpoints of each trainee that the disk has room for
  Duration rollout = Duration.ZERO; // how long a sampling takes
  Runnable sampling = () -> {}; // what happens before each
  @Nullable TraineeLoader engine; // what opens weights in place of fakes
  final Path root;
  final TestClock clock = new TestClock();
  final InMemoryRunStore store = new InMemoryRunStore(clock);
  final FakePeers peers = new FakePeers();
  private final ModelFolders modelFolders;
  private final StoredRollouts rollouts;
  final List<OneWeightTrainee> trainees = new ArrayList<>();
  final List<TraineeOptions> opened = new ArrayList<>();
  final List<UpdateOutcome> told = new ArrayList<>(); // of updates, committed or not
  final BlockingQueue<Run> left = new LinkedBlockingQueue<>(); // by their workers

  /** What a life of the process has handed to the policy-server; empty: it goes by folders. */
  private Optional<Set<PinnedVersion>> handed = Optional.empty();

  LoopWorld(Path root) {
    this(root, TestSpecs.spec("crash"));
  }

  LoopWorld(Path root, String text) {
    this(root, text, text);
  }

  /**
   * @param text of the spec by which the run begins
   * @param stored which is stored
   */
  LoopWorld(Path root, String text, String stored) {
    this.root = root;
    Path models = root.resolve("models");
    modelFolders = new ModelFolders(List.of(models), root.resolve("learner"));
    rollouts = new StoredRollouts(models);
    RunSpec spec = new SpecParser().apply(text);
    Run run =
        new Run(
            RUN_ID,
            "default",
            "crash",
            stored,
            new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
            spec.iterations(),
            TestClock.START,
            RunProgress.queued());
    if (spec.follows()) {
      people();
    }
    var unused =
        store.create(
            new RunStore.NewRun(
                run,
                "",
                "fingerprint",
                new PromptSets(
                    training(spec),
                    notes(spec),
                    sources(spec),
                    ((PromptSource.Inline) spec.safetyTest().prompts()).given(),
                    evaluated(spec)),
                LoopState.initial(spec.constraints())));
  }

  /** What people said before the run began. */
  private void people() {
    peers.say("int a", "aei", Optional.of(true));
    peers.say("int b", "xyz", Optional.of(false));
    peers.say("int c", "ou", Optional.empty());
    peers.say("int d", "w", Optional.of(false));
    peers.say("long x", "io", Optional.of(true)); // is of the safety test
    peers.say("int e", "", Optional.of(true)); // was not shown
    peers.say("int f", "much too long", Optional.of(true));
    peers.events.add(
        new FeedbackStream.Event("8", "int f", "u", true, Optional.of(true))); // was cut off
    peers.say("int f", "uu", Optional.of(true));
    peers.say("int g", "zz", Optional.of(false));
  }

  /** Prompts, and after them texts where the spec has some beside the loss. */
  private static List<String> training(RunSpec spec) {
    return Stream.of(
            spec.follows() ? List.<String>of() : PROMPTS,
            spec.ptx() == null ? List.<String>of() : TEXTS)
        .flatMap(List::stream)
        .toList();
  }

  private static List<ReadSource> sources(RunSpec spec) {
    return Stream.concat(
            promptSources(spec),
            Stream.ofNullable(spec.ptx()).map(ptx -> ReadSource.of("texts", TEXTS.size())))
        .toList();
  }

  /** Those that the run's inline sources give, or the only file, or nothing yet. */
  private static Stream<ReadSource> promptSources(RunSpec spec) {
    return spec.prompts().stream()
        .map(DataSource::rows)
        .map(
            rows ->
                ReadSource.of(
                    rows.name(),
                    switch (rows) {
                      case PromptSource.Inline(GroupedPrompts given) -> given.size();
                      case PromptSource.InFile _, PromptSource.Feedback _ -> PROMPTS.size();
                      case PromptSource.Followed _ -> 0;
                    }));
  }

  /** The five prompts from easy to hard, and what people thought. */
  private static RowNotes notes(RunSpec spec) {
    return new RowNotes(
        spec.prompts().getFirst().curriculum() == null
            ? List.of()
            : List.of(1.0, 1.0, 2.0, 2.0, 3.0),
        !spec.fromData() || spec.follows()
            ? List.of()
            : List.of(
                new Labels("aei", "xyz"),
                new Labels("ou", "w"),
                new Labels("eee", "zz"),
                new Labels("ab", "vwx"),
                new Labels("io", "tuv")));
  }

  private static GroupedPrompts evaluated(RunSpec spec) {
    return spec.evaluation() != null
            && spec.evaluation().prompts() instanceof PromptSource.Inline(GroupedPrompts given)
        ? given
        : GroupedPrompts.alone(List.of());
  }

  /** As a process of before left it. */
  void defaultsVersion(int version) {
    LoopState state = store.loopState(RUN_ID);
    store.state(
        RUN_ID,
        new LoopState(
            state.constraints(),
            state.recipe(),
            state.firstVitals(),
            state.watch(),
            state.evaluation(),
            state.costModels(),
            state.cursor(),
            version));
  }

  /** The same where the policy-server is in the process and weights need no folder. */
  LoopWorld handing() {
    handed = Optional.of(new HashSet<>());
    return this;
  }

  private List<SampledPrompt> sample(RolloutSource.Query query) {
    if (query.policy().model().endsWith("-rollout")) {
      handed.ifPresent(there -> assertThat(there).contains(query.policy()));
    }
    sampling.run();
    clock.advance(rollout);
    return peers.rollouts.sample(query);
  }

  /** One life of a process. */
  Run work(CrashPoints points) {
    Run taken = store.change(RUN_ID, Run::takenUp);
    return loop(points).run(taken);
  }

  Run workIfActive() {
    Run run = store.find(RUN_ID).orElseThrow();
    return run.state().active() ? work(new CrashPoints(0)) : run;
  }

  TrainingLoop loop(CrashPoints points) {
    handed.ifPresent(Set::clear);
    TraineeLoader loader =
        new TraineeLoader() {
          @Override
          public long memoryBytes(PinnedVersion base, TraineeOptions options) {
            return 0;
          }

          @Override
          public <T> T tokenizing(PinnedVersion base, Function<Tokenizer, T> work) {
            throw new AssertionError("its rows were read when it was created");
          }

          @Override
          public Trainee load(PinnedVersion base, TraineeOptions options) {
            opened.add(options);
            if (broken != null) {
              throw broken;
            }
            if (engine != null) {
              PinnedVersion whichever = new PinnedVersion(base.model(), base.version(), "");
              return points.wrap(Trainee.class, engine.load(whichever, options));
            }
            OneWeightTrainee trainee =
                new OneWeightTrainee(options.averageDecay(), options.critic());
            trainee.fail(finite, failures);
            trainee.fill(room);
            handed.ifPresent(trainee::handTo);
            trainees.add(trainee);
            return points.wrap(Trainee.class, trainee);
          }
        };
    Patience patience =
        new Patience(
            new Patience.Limits(Duration.ofMinutes(1), Duration.ofMillis(1), Duration.ofMillis(1)),
            new RetryBudget(10, 0.1),
            time -> {},
            clock::nanoTime,
            new Random(1));
    return new TrainingLoop(
        points.wrap(RunStore.class, store),
        new SpecParser(),
        new TrainingLoop.Peers(
            points.wrap(RolloutSource.class, this::sample),
            points.wrap(RewardOracle.class, peers.rewards),
            points.wrap(ComponentOracle.class, peers.components),
            points.wrap(CostOracle.class, peers.costs),
            points.wrap(PolicyVersions.class, peers.versions),
            points.wrap(SafetyTester.class, peers.tester),
            points.wrap(FeedbackStream.class, peers.feedback)),
        new TrainingLoop.Weights(
            points.wrap(TraineeLoader.class, loader),
            points.wrap(WeightsStore.class, modelFolders),
            points.wrap(RolloutFolders.class, rollouts),
            new SkippedSampleFiles(root)),
        new Patiences(patience, patience, patience, patience, patience),
        new TrainingLoop.Surroundings(clock, clock::nanoTime, Runnable::run),
        new Told(),
        256);
  }

  /** Stores one more such run, which waits. */
  void queue(String runId, String tenant) {
    Run first = store.find(RUN_ID).orElseThrow();
    var unused =
        store.create(
            new RunStore.NewRun(
                new Run(
                    runId,
                    tenant,
                    first.name(),
                    first.spec(),
                    first.base(),
                    first.iterationsCount(),
                    TestClock.START,
                    RunProgress.queued()),
                "",
                "fingerprint",
                store.prompts(RUN_ID),
                store.loopState(RUN_ID)));
  }

  /** Workers of a process that take up what is stored. */
  RunWorkers workers() {
    return workers("orchestrator");
  }

  /** Workers of the process that is called so. */
  RunWorkers workers(String holder) {
    return new RunWorkers(
        store,
        loop(new CrashPoints(0)),
        new RunFiles(modelFolders, rollouts),
        new Told(),
        leases(holder),
        1);
  }

  RunLeases leases(String holder) {
    return new RunLeases(store, holder, LEASE);
  }

  /** Which iteration began with the weights of each sampling. */
  List<String> sampledFrom() {
    return peers.sampled.stream()
        .map(query -> query.policy().version().substring(RUN_ID.length() + 1))
        .toList();
  }

  long openTrainees() {
    return trainees.stream().filter(trainee -> !trainee.closed()).count();
  }

  List<String> folders(String model) throws IOException {
    return names(root.resolve("models").resolve(model));
  }

  String weightsOfTheCandidate() throws IOException {
    return Files.readString(
        root.resolve("models/tiny/crash-0a1b2c3d").resolve(ModelManifest.WEIGHTS));
  }

  List<String> checkpoints() throws IOException {
    return names(root.resolve("learner").resolve("default"));
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(each -> String.valueOf(each.getFileName())).sorted().toList();
    }
  }

  /** Keeps what tests look at. */
  private final class Told extends QuietMonitor {
    @Override
    public void updated(Run run, LearningMetrics learning) {
      told.add(learning.outcome());
    }

    @Override
    public void left(Run run) {
      left.add(run);
    }
  }
}
