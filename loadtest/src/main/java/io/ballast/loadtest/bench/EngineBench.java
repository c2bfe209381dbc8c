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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * The engine's decoding and training beside {@link BareLlama}, on the same weights, one torch
 * thread each. Both first have to compute the same: the same loss, the same likeliest tokens.
 */
final class EngineBench {
  private static final int PROMPT_TOKENS = 32;
  private static final int NEW_TOKENS = 64;
  private static final int TRAIN_ROWS = 8;
  private static final int TRAIN_STEPS = 3;
  private static final double LEARNING_RATE = 1e-4;
  private static final double LOSS_TOLERANCE = 2e-3;
  private static final int SAME_TOKENS = 16;
  private static final double GOAL = 0.85;

  private final Path model;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param model a decoder's Hugging Face folder
   * @param repetitions of each pair, ≥ 1
   * @param progress told after each pair
   */
  EngineBench(Path model, int repetitions, LongSupplier nanoTime, Runnable progress) {
    this.model = model;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  /** Measures decoding at some widths, then training. */
  List<Figure> run(List<Integer> widths) {
    TorchRuntime.setThreads(1);
    List<Figure> figures = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(model, ServingOptions.defaults());
        BareLlama bare = new BareLlama(model)) {
      requireSameTokens(engine, bare);
      for (int rows : widths) {
        figures.add(decoding(engine, bare, rows));
      }
    }
    try (TrainableDecoder engine =
            TrainableDecoder.load(
                model, Arithmetic.BFLOAT16_PRODUCTS, OptimizerOptions.pretraining());
        BareLlama bare = new BareLlama(model)) {
      figures.add(training(engine, bare));
    }
    return figures;
  }

  private Figure decoding(TorchDecoder engine, BareLlama bare, int rows) {
    // so many times that one measurement takes about a second at any width
    int times = Math.max(1, 512 / (rows * NEW_TOKENS));
    int[][] prompts = new int[rows][];
    List<Generation> first = generate(engine, rows, 0);
    for (int b = 0; b < rows; b++) {
      prompts[b] = first.get(b).promptTokens().toArray();
    }
    long[] seed = new long[1];
    return Pairs.measure(
            repetitions,
            () ->
                rate(
                    times,
                    () ->
                        generate(engine, rows, ++seed[0]).stream()
                            .mapToLong(generation -> generation.tokens().size())
                            .sum()),
            () ->
                rate(
                    times,
                    () -> (long) bare.decode(prompts, NEW_TOKENS, false).length * NEW_TOKENS),
            progress)
        .figure(
            String.format(Locale.ROOT, "decode, %d row%s", rows, rows == 1 ? "" : "s"),
            "tokens/s",
            new Goal.RatioAtLeast(GOAL));
  }

  private static List<Generation> generate(TorchDecoder engine, int rows, long seed) {
    List<GenerationHandle> handles = new ArrayList<>();
    for (int b = 0; b < rows; b++) {
      handles.add(
          engine.generate(
              new GenerationRequest(
                  BenchTexts.context(b),
                  false,
                  PROMPT_TOKENS,
                  new SamplingOptions(1, 0, 1, NEW_TOKENS, List.of(), seed * rows + b)),
              token -> {}));
    }
    return handles.stream().map(handle -> handle.result().join()).toList();
  }

  private static void requireSameTokens(TorchDecoder engine, BareLlama bare) {
    GenerationRequest request =
        new GenerationRequest(
            BenchTexts.context(0), false, PROMPT_TOKENS, SamplingOptions.greedy(SAME_TOKENS));
    Generation ours = engine.generate(request, token -> {}).result().join();
    TokenIds theirs =
        TokenIds.of(
            Arrays.stream(
                    bare.decode(new int[][] {ours.promptTokens().toArray()}, SAME_TOKENS, true)[0])
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
            new Goal.RatioAtLeast(GOAL));
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
