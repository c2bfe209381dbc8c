package io.ballast.loadtest.bench;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.Arithmetic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntToDoubleFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * A whole step of reinforcement learning on a mesh beside TRL's GRPOTrainer on the same cores. Each
 * step does {@link GrpoWork}.
 */
final class TrainerBench {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Goal GOAL = new Goal.RatioAtLeast(2);
  private static final Goal MEMORY_GOAL = new Goal.RatioAtMost(1);
  private static final String NAME = "GRPO, whole step, beside TRL";

  /** By how much mean lengths may differ; those of 640 completions each do by 1 %. */
  private static final double LENGTH_TOLERANCE = 0.05;

  /** A run measures its KL, which takes a pass over the reference, every five iterations. */
  private static final int STEPS = 5;

  private static final int THREAD_STEPS = 2;
  private static final int MOST_PAIRS = 5;
  private static final String LENGTH = "bench-length";
  private static final String LENGTH_REWARD =
      "{model: %s, version: \"1\", aggregation: NONE}".formatted(LENGTH);

  private final Path script;
  private final Path model;
  private final Path work;
  private final String python;
  private final int repetitions;
  private final Runnable progress;
  private final Consumer<String> word;

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param model the folder java-tiny/1
   * @param work a folder that may be written
   * @param python the interpreter that has TRL
   * @param repetitions of each pair, ≥ 1; no more than five are made
   * @param progress told after each pair
   * @param word told why the peer is left out, or what it is
   */
  TrainerBench(
      Path script,
      Path model,
      Path work,
      String python,
      int repetitions,
      Runnable progress,
      Consumer<String> word) {
    this.script = script;
    this.model = model;
    this.work = work;
    this.python = python;
    this.repetitions = Math.min(MOST_PAIRS, repetitions);
    this.progress = progress;
    this.word = word;
  }

  private static boolean quickerThan32Bits() {
    return Arithmetic.quickest() != Arithmetic.FLOAT32;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return (quickerThan32Bits() ? 3 : 2) * Pairs.measured(Math.min(MOST_PAIRS, repetitions));
  }

  /**
   * Whole steps beside TRL's, both in 32 bits, with one reward on either side that costs next to
   * nothing: minus the completion's length. Where the processor has something quicker than 32 bits,
   * the mesh is measured with that as well.
   */
  List<Figure> run() throws IOException {
    int cores = Runtime.getRuntime().availableProcessors();
    List<String> prompts = GrpoWork.prompts(model, GrpoWork.PROMPTS * (STEPS + 1));
    Optional<PythonPeer> started =
        PythonPeer.start(
            python,
            "trl_peer.py",
            work,
            List.of(model.toString(), work.resolve("trl").toString()),
            cores);
    if (started.isEmpty()) {
      word.accept(
          "TRL is left out: %s or one of its packages torch, transformers, datasets and trl is not there (--python names another)"
              .formatted(python));
      return List.of(Figure.unmeasured(NAME, "tokens/s", GOAL));
    }
    List<Figure> figures = new ArrayList<>();
    try (PythonPeer trl = started.get()) {
      trl.prepareTraining(prompts);
      int threads = fastest(cores, count -> trl.train(THREAD_STEPS, count).tokensPerSecond());
      word.accept(
          "beside %s, fastest with %d of %d threads".formatted(trl.version(), threads, cores));
      Supplier<GrpoWork.Steps> theirs = () -> trl.train(STEPS, threads);
      try (MeshUnderTest mesh = mesh(DecoderArithmetic.FLOAT32)) {
        RunUnderTest runs = new RunUnderTest(mesh, LENGTH_REWARD, prompts);
        List<Pairs.Pair<GrpoWork.Steps>> onPolicy = inTurns(runs, 0, theirs);
        figures.add(rate(NAME, GOAL, onPolicy, word));
        figures.add(
            rates(onPolicy, GrpoWork.Steps::meanTokens)
                .figure("... tokens of a completion", "tokens", new Goal.Reported()));
        figures.add(
            rate(
                "... sampling one version behind, beside TRL",
                new Goal.Reported(),
                inTurns(runs, 1, theirs),
                word));
        figures.add(
            Pairs.of(
                    List.of(
                        new Pairs.Pair<>(
                            mesh.peakResidentBytes() / 1e9, trl.peakResidentBytes() / 1e9)))
                .figure("... peak memory", "GB", MEMORY_GOAL));
      }
      if (quickerThan32Bits()) {
        try (MeshUnderTest mesh = mesh(DecoderArithmetic.AUTO)) {
          figures.add(
              rate(
                  "... the mesh in %s, beside TRL".formatted(Arithmetic.quickest()),
                  new Goal.Reported(),
                  inTurns(new RunUnderTest(mesh, LENGTH_REWARD, prompts), 0, theirs),
                  word));
        }
      }
    }
    return figures;
  }

  private MeshUnderTest mesh(DecoderArithmetic arithmetic) throws IOException {
    Path data = work.resolve("trainer-" + arithmetic);
    publishLength(data.resolve("models"));
    return MeshUnderTest.start(
        script,
        data,
        Map.of(
            "BALLAST_POLICY_ARITHMETIC", arithmetic.name(),
            "BALLAST_ORCHESTRATOR_ARITHMETIC", arithmetic.name()),
        PATIENCE);
  }

  /**
   * As many threads as cores, or half, or a quarter, … or one: of a small model, more wait for each
   * other. The fewest are measured first, and once more before them, to warm up.
   */
  static int fastest(int cores, IntToDoubleFunction tokensPerSecond) {
    List<Integer> counts =
        IntStream.iterate(cores, count -> count > 0, count -> count / 2)
            .boxed()
            .toList()
            .reversed();
    var unused = tokensPerSecond.applyAsDouble(counts.getFirst());
    double most = 0;
    int fastest = counts.getFirst();
    for (int count : counts) {
      double rate = tokensPerSecond.applyAsDouble(count);
      if (rate > most) {
        most = rate;
        fastest = count;
      }
    }
    return fastest;
  }

  private List<Pairs.Pair<GrpoWork.Steps>> inTurns(
      RunUnderTest runs, int staleness, Supplier<GrpoWork.Steps> theirs) {
    return Pairs.inTurns(repetitions, () -> runs.together(STEPS, staleness), theirs, progress);
  }

  /** Tokens a second of either side; unmeasured if one writes longer completions. */
  static Figure rate(
      String name, Goal goal, List<Pairs.Pair<GrpoWork.Steps>> pairs, Consumer<String> word) {
    double ours = pairs.stream().mapToDouble(pair -> pair.value().meanTokens()).average().orElse(0);
    double theirs =
        pairs.stream().mapToDouble(pair -> pair.baseline().meanTokens()).average().orElse(0);
    if (!(Math.abs(ours / theirs - 1) <= LENGTH_TOLERANCE)) {
      word.accept(
          "%s: not compared, since completions have %.1f tokens here and %.1f there"
              .formatted(name, ours, theirs));
      return Figure.unmeasured(name, "tokens/s", goal);
    }
    return rates(pairs, GrpoWork.Steps::tokensPerSecond).figure(name, "tokens/s", goal);
  }

  private static Pairs rates(
      List<Pairs.Pair<GrpoWork.Steps>> pairs, Function<GrpoWork.Steps, Double> of) {
    return Pairs.of(pairs.stream().map(pair -> pair.map(of)).toList());
  }

  /** A composite of the completion's length alone, as trl_peer.py has it too. */
  private static void publishLength(Path models) throws IOException {
    var unused =
        new ModelStore(models)
            .publish(
                LENGTH,
                "1",
                folder ->
                    Files.writeString(
                        folder.resolve("composite.json"),
                        """
                        {
                          "format": "ballast-composite",
                          "components": {"length": {"kind": "length", "unit": "characters", "free": 1, "limit": 512}},
                          "reward": "length"
                        }
                        """),
                Map.of("made_for", "bench"));
  }
}
