package io.ballast.loadtest.bench;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.GroupScores;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TokenGradients;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import javax.management.remote.JMXConnector;

/**
 * A whole step of reinforcement learning: by phase on a mesh, the learner's part beside bare
 * libtorch calls, and the library's part of it. Each step does {@link GrpoWork}.
 */
final class LearnerBench {
  private static final Arithmetic ARITHMETIC = Arithmetic.quickest();
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final double LEARNER_GOAL = 0.9;
  private static final double LIBRARY_GOAL_PERCENT = 2;
  private static final double LOSS_TOLERANCE = 2e-3;

  /** At which a step moves the loss by far more than the tolerance. */
  private static final double COMPARED_RATE = 1e-3;

  private static final double LEAST_FALL = 5 * LOSS_TOLERANCE;
  private static final int COMPARED_STEPS = 5;
  private static final int STEPS = 8;
  private static final int MOST_RUNS = 5;

  private static final String LIBRARY = "io.ballast.rl.";
  private static final String ENSEMBLE =
      "{model: java-reward, version: \"1\", aggregation: WORST_CASE}";

  private final Path script;
  private final Path model;
  private final Path work;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param model the folder java-tiny/1
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1; no more than five of whole runs
   * @param progress told after each pair
   */
  LearnerBench(
      Path script,
      Path model,
      Path work,
      int repetitions,
      LongSupplier nanoTime,
      Runnable progress) {
    this.script = script;
    this.model = model;
    this.work = work;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  private static int runs(int repetitions) {
    return Math.min(MOST_RUNS, repetitions);
  }

  /** How often {@link #backward} tells of progress. */
  static int backwardSteps(int repetitions) {
    return 2 * Pairs.measured(repetitions);
  }

  /** How often {@link #phases} tells of progress. */
  static int phaseSteps(int repetitions) {
    return Pairs.measured(runs(repetitions));
  }

  /**
   * Forward, backward and step of a learner beside bare calls that do the same, on a batch that has
   * a row for each completion with its prompt before it, as trainers lay it out: once with each
   * completion in a group of its own, so that both compute as many tokens; and once with its group,
   * where the learner reads each prompt once. Both first have to learn the same over some steps.
   */
  List<Figure> backward() throws IOException {
    TorchRuntime.setThreads(1);
    Path folder = RandomWeights.of(model, work.resolve("random-learner"));
    try (TrainableDecoder engine =
            TrainableDecoder.load(folder, ARITHMETIC, OptimizerOptions.pretraining());
        BareLlama bare = new BareLlama(folder, ARITHMETIC)) {
      List<CompletionGroup> groups = groups(engine.config().vocabularySize());
      List<CompletionGroup> alone = alone(groups);
      int[][] rows = rows(groups);
      requireSameLearning(engine, bare, groups, rows);
      return List.of(
          besideBare(engine, alone, bare, rows)
              .figure(
                  "learn, %d completions, beside bare calls"
                      .formatted(GrpoWork.PROMPTS * GrpoWork.GROUP),
                  "tokens/s",
                  new Goal.RatioAtLeast(LEARNER_GOAL)),
          besideBare(engine, groups, bare, rows)
              .figure(
                  "... as %d x %d, each prompt read once"
                      .formatted(GrpoWork.PROMPTS, GrpoWork.GROUP),
                  "tokens/s",
                  new Goal.Reported()));
    }
  }

  private Pairs besideBare(
      TrainableDecoder engine, List<CompletionGroup> groups, BareLlama bare, int[][] rows) {
    double tokens = (double) GrpoWork.PROMPTS * GrpoWork.GROUP * GrpoWork.NEW_TOKENS;
    return Pairs.measure(
        repetitions,
        () -> tokens / seconds(() -> learn(engine, groups, GrpoWork.LEARNING_RATE)),
        () ->
            tokens
                / seconds(
                    () -> bare.trainStep(rows, GrpoWork.PROMPT_TOKENS - 1, GrpoWork.LEARNING_RATE)),
        progress);
  }

  private static void requireSameLearning(
      TrainableDecoder engine, BareLlama bare, List<CompletionGroup> groups, int[][] rows) {
    double first = 0;
    double last = 0;
    for (int step = 0; step < COMPARED_STEPS; step++) {
      last = learn(engine, groups, COMPARED_RATE);
      first = step == 0 ? last : first;
      double theirs = bare.trainStep(rows, GrpoWork.PROMPT_TOKENS - 1, COMPARED_RATE);
      if (!(Math.abs(last - theirs) <= LOSS_TOLERANCE)) {
        throw new IllegalStateException(
            "step %d: the learner's loss is %.5f, that of the bare calls %.5f: they do not do the same work"
                .formatted(step, last, theirs));
      }
    }
    if (!(first - last >= LEAST_FALL)) {
      throw new IllegalStateException(
          "the loss went from %.5f to %.5f (expected: lower by %s, or equal losses say nothing of the gradients)"
              .formatted(first, last, LEAST_FALL));
    }
  }

  /** Each completion in a group of its own. */
  private static List<CompletionGroup> alone(List<CompletionGroup> groups) {
    return groups.stream()
        .flatMap(
            group ->
                group.completions().stream()
                    .map(each -> new CompletionGroup(group.prompt(), List.of(each))))
        .toList();
  }

  private static List<CompletionGroup> groups(int vocabulary) {
    RandomGenerator random = new SplittableRandom(5);
    List<CompletionGroup> groups = new ArrayList<>();
    for (int p = 0; p < GrpoWork.PROMPTS; p++) {
      List<TokenIds> completions = new ArrayList<>();
      TokenIds prompt = tokens(random, GrpoWork.PROMPT_TOKENS, vocabulary);
      for (int g = 0; g < GrpoWork.GROUP; g++) {
        completions.add(tokens(random, GrpoWork.NEW_TOKENS, vocabulary));
      }
      groups.add(new CompletionGroup(prompt, completions));
    }
    return groups;
  }

  private static TokenIds tokens(RandomGenerator random, int count, int vocabulary) {
    return TokenIds.of(random.ints(count, 0, vocabulary).toArray());
  }

  private static int[][] rows(List<CompletionGroup> groups) {
    return groups.stream()
        .flatMap(
            group ->
                group.completions().stream()
                    .map(completion -> group.prompt().concat(completion).toArray()))
        .toArray(int[][]::new);
  }

  /** One update towards the completions; returns −mean log π, which is what falls. */
  private static double learn(
      TrainableDecoder engine, List<CompletionGroup> groups, double learningRate) {
    long tokens =
        groups.stream()
            .flatMap(group -> group.completions().stream())
            .mapToLong(TokenIds::size)
            .sum();
    float[] weights = new float[GrpoWork.NEW_TOKENS];
    Arrays.fill(weights, -1f / tokens);
    PerToken towards = PerToken.of(weights);
    List<GroupScores> scores =
        engine.forwardBackward(
            groups,
            (index, said) ->
                TokenGradients.ofLogProbs(
                    said.logProbs().stream().map(completion -> towards).toList()));
    double norm = engine.optimizerStep(learningRate);
    if (!(norm > 0)) {
      throw new IllegalStateException("the gradient's norm is " + norm);
    }
    return -scores.stream()
            .flatMap(group -> group.logProbs().stream())
            .mapToDouble(PerToken::sum)
            .sum()
        / tokens;
  }

  private double seconds(Runnable work) {
    long start = nanoTime.getAsLong();
    work.run();
    return (nanoTime.getAsLong() - start) / 1e9;
  }

  /** Iterations of runs on a mesh by phase, and the library's share of them. */
  List<Figure> phases() throws IOException {
    List<RunUnderTest.Step> steps = new ArrayList<>();
    List<Double> cold = new ArrayList<>();
    List<Double> warm = new ArrayList<>();
    List<String> prompts = GrpoWork.prompts(model, GrpoWork.PROMPTS * (STEPS + 1));
    try (MeshUnderTest mesh =
            MeshUnderTest.start(script, work.resolve("learner"), Map.of(), PATIENCE);
        JMXConnector server = RemoteJvm.connect(mesh.server())) {
      RunUnderTest learning = new RunUnderTest(mesh, ENSEMBLE, prompts);
      CpuRecorder recorder = CpuRecorder.of(server.getMBeanServerConnection());
      for (int i = 0; i <= runs(repetitions); i++) {
        recorder.start();
        List<RunUnderTest.Step> some = learning.steps(STEPS, 0);
        CpuProfile profile = recorder.stop(work.resolve("run.jfr"), LIBRARY);
        Instant end = some.getLast().end();
        if (i == 0) { // the first run compiles the server's code
          addShare(cold, profile, profile.begin(), end);
        } else {
          steps.addAll(some);
          addShare(warm, profile, some.getFirst().begin(), end);
        }
        progress.run();
      }
    }
    return List.of(
        Pairs.alone(
            "RL step of %d x %d completions, whole".formatted(GrpoWork.PROMPTS, GrpoWork.GROUP),
            "tokens/s",
            of(steps, each -> each.tokens() / each.seconds()),
            new Goal.Reported()),
        phase("... publish and sample", steps, RunUnderTest.Step::sample),
        phase("... score", steps, RunUnderTest.Step::judge),
        phase("... learn", steps, RunUnderTest.Step::learn),
        phase("... checkpoint and commit", steps, RunUnderTest.Step::rest),
        library("the rl library's share of a step", warm),
        library("... of the first run of a new server", cold));
  }

  private static void addShare(List<Double> shares, CpuProfile profile, Instant from, Instant to) {
    if (!profile.samples().isEmpty()) {
      shares.add(100 * profile.share(from, to));
    }
  }

  private static Figure library(String name, List<Double> percent) {
    Goal goal = new Goal.Below(LIBRARY_GOAL_PERCENT);
    return percent.isEmpty()
        ? Figure.unmeasured(name, "%", goal)
        : Pairs.alone(name, "%", percent, goal);
  }

  private static Figure phase(
      String name, List<RunUnderTest.Step> steps, ToDoubleFunction<RunUnderTest.Step> seconds) {
    return Pairs.alone(
        name, "ms", of(steps, each -> 1e3 * seconds.applyAsDouble(each)), new Goal.Reported());
  }

  private static List<Double> of(
      List<RunUnderTest.Step> steps, ToDoubleFunction<RunUnderTest.Step> number) {
    return steps.stream().map(number::applyAsDouble).toList();
  }
}
