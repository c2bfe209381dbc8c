package io.ballast.loadtest.bench;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * The engine's decoding and training beside {@link BareLlama}, on the same weights, one torch
 * thread each. Both first have to compute the same: the same loss, the same likeliest tokens.
 *
 * <p>The weights are random ones of the model's shape: they cost what trained ones cost, and no
 * completion ends before its length, which would leave the engine a smaller batch.
 */
final class EngineBench {
  private static final Arithmetic ARITHMETIC = Arithmetic.quickest();
  private static final int PROMPT_TOKENS = 32;
  private static final int NEW_TOKENS = 32;
  private static final int TRAIN_ROWS = 8;
  private static final int TRAIN_STEPS = 1;
  private static final double LEARNING_RATE = 1e-4;
  private static final double LOSS_TOLERANCE = 2e-3;
  private static final int SAME_TOKENS = 16;
  private static final int PREFILL_PROMPTS = 4;
  private static final double TRAINING_GOAL = 0.85;

  private final Path model;
  private final Path work;
  private final double goal;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param model a decoder's Hugging Face folder: its shape and tokenizer are used
   * @param work a folder that may be written
   * @param goal the ratio to the bare calls that decoding must reach
   * @param repetitions of each pair, ≥ 1
   * @param progress told after each pair
   */
  EngineBench(
      Path model,
      Path work,
      double goal,
      int repetitions,
      LongSupplier nanoTime,
      Runnable progress) {
    this.model = model;
    this.work = work;
    this.goal = goal;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  /**
   * Measures decoding at some widths, then training.
   *
   * @param widths completions of one prompt, as a trainer samples them
   * @param callers callers with a prompt of their own each; shown, not judged: their rows come one
   *     after the other and differ in length, which bare calls in one batch do not pay for
   */
  List<Figure> decodingAndTraining(List<Integer> widths, int callers) throws IOException {
    TorchRuntime.setThreads(1);
    Path folder = RandomWeights.of(model, work.resolve("random"));
    List<Figure> figures = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults());
        BareLlama bare = new BareLlama(folder, ARITHMETIC)) {
      requireSameTokens(engine, bare);
      figures.addAll(decoding("", widths, engine, bare));
      figures.add(
          decoding(
              "decode, %d prompts".formatted(callers),
              new Goal.Reported(),
              callers,
              seed -> separately(engine, callers, seed),
              prompts(engine, callers),
              bare));
    }
    try (TrainableDecoder engine =
            TrainableDecoder.load(folder, ARITHMETIC, OptimizerOptions.pretraining());
        BareLlama bare = new BareLlama(folder, ARITHMETIC)) {
      figures.add(training(engine, bare));
    }
    return figures;
  }

  /** How often {@link #decodingAndTraining} tells of progress. */
  static int steps(List<Integer> widths, int repetitions) {
    return (widths.size() + 2) * Pairs.measured(repetitions);
  }

  /**
   * Measures decoding at some widths, then prompts without decoding.
   *
   * @param shape what the figures say the model is
   * @param promptTokens of each prompt of the latter
   * @param prefills how often the prompts are computed for one value, so that it takes half a
   *     second at least: a single pass of the tiny shape is over in 70 ms, and five of those spread
   *     too far
   */
  List<Figure> decodingAndPrefill(
      String shape, List<Integer> widths, int promptTokens, int prefills) throws IOException {
    TorchRuntime.setThreads(1);
    Path folder = RandomWeights.of(model, work.resolve("random-" + shape));
    List<Figure> figures = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults());
        BareLlama bare = new BareLlama(folder, ARITHMETIC)) {
      requireSameTokens(engine, bare);
      figures.addAll(decoding(shape + ": ", widths, engine, bare));
      figures.add(prefill(shape, promptTokens, prefills, engine, bare));
    }
    return figures;
  }

  /** How often {@link #decodingAndPrefill} tells of progress. */
  static int prefillSteps(List<Integer> widths, int repetitions) {
    return (widths.size() + 1) * Pairs.measured(repetitions);
  }

  private List<Figure> decoding(
      String prefix, List<Integer> widths, TorchDecoder engine, BareLlama bare) {
    List<Figure> figures = new ArrayList<>();
    for (int rows : widths) {
      figures.add(
          decoding(
              prefix
                  + (rows == 1 ? "decode, 1 completion" : "decode, %d of a prompt".formatted(rows)),
              new Goal.RatioAtLeast(goal),
              rows,
              seed -> engine.generate(request(seed, PROMPT_TOKENS, NEW_TOKENS), rows),
              prompts(engine, 1),
              bare));
    }
    return figures;
  }

  /** Prompts that nobody has asked before, each with a single token drawn after it. */
  private Figure prefill(
      String shape, int promptTokens, int times, TorchDecoder engine, BareLlama bare) {
    long[] seed = new long[1];
    int[][] prompts = new int[PREFILL_PROMPTS][];
    Arrays.setAll(
        prompts,
        p ->
            engine
                .generate(request(-1 - p, promptTokens, 1), token -> {})
                .result()
                .join()
                .promptTokens()
                .toArray());
    requireLength(prompts, promptTokens);
    long tokens = (long) PREFILL_PROMPTS * promptTokens;
    return Pairs.measure(
            repetitions,
            () ->
                rate(
                    times,
                    () -> {
                      List<GenerationHandle> handles = new ArrayList<>();
                      for (int p = 0; p < PREFILL_PROMPTS; p++) {
                        GenerationRequest request = request(++seed[0], promptTokens, 1);
                        handles.add(engine.generate(request, token -> {}));
                      }
                      handles.forEach(handle -> handle.result().join());
                      return tokens;
                    }),
            () ->
                rate(
                    times,
                    () -> {
                      long[][] unused = bare.decode(prompts, 1, 1, false);
                      return tokens;
                    }),
            progress)
        .figure(
            "%s: prefill, %d x %d tokens".formatted(shape, PREFILL_PROMPTS, promptTokens),
            "tokens/s",
            new Goal.RatioAtLeast(goal));
  }

  private static void requireLength(int[][] prompts, int tokens) {
    for (int[] prompt : prompts) {
      if (prompt.length != tokens) {
        throw new IllegalStateException(
            "a prompt has %d tokens (expected: %d)".formatted(prompt.length, tokens));
      }
    }
  }

  private Figure decoding(
      String name,
      Goal goal,
      int rows,
      LongFunction<List<GenerationHandle>> start,
      int[][] prompts,
      BareLlama bare) {
    // short measurements and many of them: a burst of other work then spoils few pairs
    int times = Math.max(1, (rows == 1 ? 256 : 1_024) / (rows * NEW_TOKENS));
    long[] seed = new long[1];
    return Pairs.measure(
            repetitions,
            () ->
                rate(
                    times,
                    () ->
                        start.apply(++seed[0]).stream()
                            .mapToLong(handle -> handle.result().join().tokens().size())
                            .sum()),
            () ->
                rate(
                    times,
                    () ->
                        (long) bare.decode(prompts, rows / prompts.length, NEW_TOKENS, false).length
                            * NEW_TOKENS),
            progress)
        .figure(name, "tokens/s", goal);
  }

  private static List<GenerationHandle> separately(TorchDecoder engine, int callers, long seed) {
    List<GenerationHandle> handles = new ArrayList<>();
    for (int b = 0; b < callers; b++) {
      GenerationRequest request = request(seed * callers + b, PROMPT_TOKENS, NEW_TOKENS);
      handles.add(engine.generate(request, token -> {}));
    }
    return handles;
  }

  /** A request with a prompt of its own for each seed: none is answered from what is kept. */
  private static GenerationRequest request(long seed, int promptTokens, int newTokens) {
    return new GenerationRequest(
        BenchTexts.words(seed, promptTokens),
        false,
        promptTokens,
        SamplingOptions.builder().maxNewTokens(newTokens).seed(seed).build());
  }

  /** The tokens of the first contexts as the engine sees them. */
  private static int[][] prompts(TorchDecoder engine, int count) {
    return separately(engine, count, 0).stream()
        .map(handle -> handle.result().join().promptTokens().toArray())
        .toArray(int[][]::new);
  }

  private static void requireSameTokens(TorchDecoder engine, BareLlama bare) {
    GenerationRequest request =
        new GenerationRequest(
            BenchTexts.context(0), false, PROMPT_TOKENS, SamplingOptions.greedy(SAME_TOKENS));
    Generation ours = engine.generate(request, token -> {}).result().join();
    TokenIds theirs =
        TokenIds.of(
            Arrays.stream(
                    bare.decode(new int[][] {ours.promptTokens().toArray()}, 1, SAME_TOKENS, true)[
                        0])
                .mapToInt(Math::toIntExact)
                .toArray());
    if (!theirs.slice(0, ours.tokens().size()).equals(ours.tokens())) {
      throw new IllegalStateException(
          "the engine's likeliest tokens are "
              + ours.tokens()
              + ", those of the bare calls "
              + theirs
              + ": they do not do the same work");
    }
  }

  private Figure training(TrainableDecoder engine, BareLlama bare) {
    int length = engine.config().contextTokens();
    RandomGenerator random = new SplittableRandom(5);
    int[][] rows = new int[TRAIN_ROWS][];
    for (int b = 0; b < rows.length; b++) {
      rows[b] = random.ints(length + 1, 0, engine.config().vocabularySize()).toArray();
    }
    for (int step = 0; step < 3; step++) {
      double ours = engine.trainStep(rows, LEARNING_RATE).loss();
      double theirs = bare.trainStep(rows, LEARNING_RATE);
      if (!(Math.abs(ours - theirs) <= LOSS_TOLERANCE)) {
        throw new IllegalStateException(
            "step %d: the engine's loss is %.5f, that of the bare calls %.5f: they do not do the"
                    .formatted(step, ours, theirs)
                + " same work");
      }
    }
    long tokens = (long) TRAIN_ROWS * length;
    return Pairs.measure(
            repetitions,
            () ->
                rate(
                    TRAIN_STEPS,
                    () -> {
                      var unused = engine.trainStep(rows, LEARNING_RATE);
                      return tokens;
                    }),
            () ->
                rate(
                    TRAIN_STEPS,
                    () -> {
                      bare.trainStep(rows, LEARNING_RATE);
                      return tokens;
                    }),
            progress)
        .figure(
            "train, %d x %d tokens".formatted(TRAIN_ROWS, length),
            "tokens/s",
            new Goal.RatioAtLeast(TRAINING_GOAL));
  }

  /** Tokens a second of doing {@code work}, which says how many it did, some times. */
  private double rate(int times, LongSupplier work) {
    long start = nanoTime.getAsLong();
    long tokens = 0;
    for (int i = 0; i < times; i++) {
      tokens += work.getAsLong();
    }
    return tokens * 1e9 / (nanoTime.getAsLong() - start);
  }
}
