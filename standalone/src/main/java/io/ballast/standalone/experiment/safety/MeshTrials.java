package io.ballast.standalone.experiment.safety;

import io.ballast.inference.store.ModelStore;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.standalone.demo.mesh.ChildMesh;
import io.ballast.standalone.demo.mesh.Completions;
import io.ballast.standalone.demo.mesh.Content;
import io.ballast.standalone.demo.mesh.JudgedPair;
import io.ballast.standalone.demo.mesh.MeshCalls;
import io.ballast.standalone.demo.mesh.TokenLimits;
import io.ballast.standalone.demo.position.CorpusSources;
import io.ballast.standalone.experiment.ExperimentProgress.Step;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Safety tests of the model that comes along by a mesh in a process of its own, over gRPC. Its mean
 * cost over a pool of held-out prompts is measured first; the threshold lies surely beneath it. The
 * pool is dealt out at random, so that each test is of prompts of its own.
 */
final class MeshTrials {
  private static final String MODEL = "java-tiny";
  private static final String ORIGINAL = "1";
  private static final String JUDGE = "java-cost";
  private static final String JUDGE_VERSION = "2";
  private static final int PROMPTS = 40;
  private static final int MOST_PER_FILE = 12;
  private static final int TAIL_CHARACTERS = 400;
  private static final int CHUNK = 200;
  private static final long SEED = 20_250_608;
  private static final long SECONDS = 300;

  /** The threshold is beneath the mean cost but for one in a thousand. */
  private static final double SURELY = .998;

  /**
   * What came of them.
   *
   * @param passed of the tests
   * @param mean the mean cost as it was measured
   * @param testMean the mean of the tests' means
   * @param threshold τ
   */
  record Outcome(int tests, int passed, Interval mean, double testMean, double threshold) {
    String text() {
      return String.format(
          Locale.ROOT,
          "%d tests of %d prompts each, by Student's t with δ = %.1f, of copies of %s %s judged by %s"
              + " %s: %d passed. The mean cost over all %,d prompts, a completion each, is %.4f ±"
              + " %.4f (%.1f %% interval); τ = %.4f is the lower end, so that no copy is safe. The"
              + " tests' own costs have a mean of %.4f. Costs are of one completion a prompt,"
              + " skewed, and prompts of one file are dealt to different tests.%n",
          tests,
          PROMPTS,
          CoverageStudy.DELTA,
          MODEL,
          ORIGINAL,
          JUDGE,
          JUDGE_VERSION,
          passed,
          (long) tests * PROMPTS,
          mean.estimate(),
          mean.high() - mean.estimate(),
          100 * SURELY,
          threshold,
          testMean);
    }
  }

  private final ChildMesh mesh;
  private final MeshCalls calls;
  private final ExperimentSetting setting;

  private MeshTrials(ChildMesh mesh, ExperimentSetting setting) {
    this.mesh = mesh;
    this.calls = new MeshCalls(mesh.channel(), "experiment", MODEL);
    this.setting = setting;
  }

  /** Runs them. */
  static Outcome run(ExperimentSetting setting, int tests) throws IOException {
    List<String> prompts = prompts(setting, tests * PROMPTS);
    Path original = setting.home().resolve("models").resolve(MODEL).resolve(ORIGINAL);
    Path folder = Files.createTempDirectory(Files.createDirectories(setting.work()), "mesh-");
    try {
      ModelStore store = new ModelStore(Files.createDirectories(folder.resolve("models")));
      Step copies = setting.progress().step("copies of the model", "versions", tests);
      for (int test = 0; test < tests; test++) {
        CopiedModels.publish(store, original, MODEL, version(test));
        copies.done(1);
      }
      Map<String, String> properties =
          Map.of("ballast.roles", "policy,safety", "ballast.safety.cost-version", JUDGE_VERSION);
      try (ChildMesh mesh = ChildMesh.launch(setting.home(), folder, false, properties)) {
        mesh.awaitReady();
        return new MeshTrials(mesh, setting).run(prompts, tests);
      }
    } finally {
      ModelStore.deleteAll(folder);
    }
  }

  private static String version(int test) {
    return "copy-" + test;
  }

  private static List<String> prompts(ExperimentSetting setting, int count) throws IOException {
    CorpusSources sources = new CorpusSources(setting.home(), Path.of("mvn"));
    if (!sources.present()) {
      setting.progress().say("fetching held-out sources with Maven");
      sources.fetch();
    }
    setting.progress().say("drawing prompts from held-out files");
    Corpus corpus = sources.read(SEED);
    List<SourceFile> files = new ArrayList<>();
    for (CorpusPart part :
        List.of(CorpusPart.SAFETY_TEST, CorpusPart.COMPARISON, CorpusPart.RUN_PROMPTS)) {
      files.addAll(part.files(corpus));
    }
    Random random = new Random(SEED);
    Set<String> prompts = new LinkedHashSet<>();
    try (ParseCheck parseCheck = new ParseCheck()) {
      List<Position> drawn =
          new Positions(Cursor.anyCharacter(), parseCheck)
              .draw(files, 2 * count, MOST_PER_FILE, random);
      drawn.forEach(position -> prompts.add(position.promptTail(TAIL_CHARACTERS)));
    }
    if (prompts.size() < count) {
      throw new IOException(
          "%,d files hold %,d different prompts (expected: %,d)"
              .formatted(files.size(), prompts.size(), count));
    }
    List<String> shuffled = new ArrayList<>(prompts);
    Collections.shuffle(shuffled, random);
    return shuffled.subList(0, count);
  }

  private Outcome run(List<String> prompts, int tests) {
    Interval mean = MeanIntervals.mean(costs(prompts), SURELY);
    double threshold = mean.low();
    Step step = setting.progress().step("safety tests by the mesh", "tests", tests);
    int passed = 0;
    double testMean = 0;
    for (int test = 0; test < tests; test++) {
      List<String> own = prompts.subList(test * PROMPTS, (test + 1) * PROMPTS);
      SafetyTest ended = tested(version(test), own, threshold);
      passed += ended.getState() == SafetyTestState.SAFETY_TEST_STATE_PASSED ? 1 : 0;
      testMean += ended.getOutcome().getMeanCost() / tests;
      step.done(1);
    }
    return new Outcome(tests, passed, mean, testMean, threshold);
  }

  /** The cost of one completion of each prompt; where there is none, 1, as in a test. */
  private double[] costs(List<String> prompts) {
    Step step = setting.progress().step("its mean cost", "prompts", prompts.size());
    double[] costs = new double[prompts.size()];
    for (int from = 0; from < costs.length; from += CHUNK) {
      List<String> chunk = prompts.subList(from, Math.min(costs.length, from + CHUNK));
      List<Optional<Completions>> drawn =
          calls.sample(ORIGINAL, chunk, 1, TokenLimits.SERVING, SEED + from);
      List<JudgedPair> pairs = new ArrayList<>();
      List<Integer> places = new ArrayList<>();
      for (int i = 0; i < chunk.size(); i++) {
        costs[from + i] = 1;
        String text = drawn.get(i).map(each -> each.completions().getFirst().text()).orElse("");
        if (!text.isEmpty()) {
          pairs.add(new JudgedPair(new Content.Text(chunk.get(i)), new Content.Text(text)));
          places.add(from + i);
        }
      }
      List<OptionalDouble> judged = calls.cost(pairs);
      for (int k = 0; k < places.size(); k++) {
        costs[places.get(k)] = judged.get(k).orElse(1);
      }
      step.done(chunk.size());
    }
    return costs;
  }

  private SafetyTest tested(String version, List<String> prompts, double threshold) {
    var unused =
        VersionServiceGrpc.newBlockingStub(mesh.channel())
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .registerVersion(
                RegisterVersionRequest.newBuilder().setModel(MODEL).setVersion(version).build());
    SafetyServiceGrpc.SafetyServiceBlockingStub safety =
        SafetyServiceGrpc.newBlockingStub(mesh.channel())
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
    SafetyTest started =
        safety
            .startSafetyTest(
                StartSafetyTestRequest.newBuilder()
                    .setSpec(spec(version, prompts, threshold))
                    .build())
            .getTest();
    SafetyTest ended =
        safety
            .getSafetyTest(
                GetSafetyTestRequest.newBuilder()
                    .setTestId(started.getTestId())
                    .setWait(true)
                    .build())
            .getTest();
    return switch (ended.getState()) {
      case SAFETY_TEST_STATE_PASSED, SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> ended;
      default ->
          throw new IllegalStateException(
              "%s: %s %s"
                  .formatted(ended.getTestId(), ended.getState(), ended.getFailureMessage()));
    };
  }

  private static SafetyTestSpec spec(String version, List<String> prompts, double threshold) {
    return SafetyTestSpec.newBuilder()
        .setCandidate(ModelVersion.newBuilder().setModel(MODEL).setVersion(version))
        .setCostModel(ModelSelector.newBuilder().setModel(JUDGE).setVersion(JUDGE_VERSION))
        .addAllPrompts(prompts)
        .setThreshold(threshold)
        .setDelta(CoverageStudy.DELTA)
        .setSampling(
            SamplingOptions.newBuilder()
                .setMaxNewTokens(TokenLimits.SERVING.completion())
                .addStopStrings("\n"))
        .setMaxPromptTokens(TokenLimits.SERVING.prompt())
        .build();
  }
}
