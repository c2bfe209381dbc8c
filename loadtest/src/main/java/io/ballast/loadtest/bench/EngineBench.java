package io.ballast.loadtest.bench;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
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
import java.util.Map;
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
  private static final int PROMPT_TOKENS = 32;
  private static final int NEW_TOKENS = 32;
  private static final int TRAIN_ROWS = 8;
  private static final int TRAIN_STEPS = 1;
  private static final double LEARNING_RATE = 1e-4;
  private static final double LOSS_TOLERANCE = 2e-3;
  private static final int SAME_TOKENS = 16;
  private static final double GOAL = 0.85;

  private final Path model;
  private final Path work;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param model a decoder's Hugging Face folder: its shape and tokenizer are used
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1
   * @param progress told after each pair
   */
  EngineBench(Path model, Path work, int repetitions, LongSupplier nanoTime, Runnable progress) {
    this.model = model;
    this.work = work;
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
  List<Figure> run(List<Integer> widths, int callers) throws IOException {
    TorchRuntime.setThreads(1);
    Path folder = randomWeights();
    List<Figure> figures = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults());
        BareLlama bare = new BareLlama(folder)) {
      requireSameTokens(engine, bare);
      for (int rows : widths) {
        figures.add(
            decoding(
                rows == 1 ? "decode, 1 completion" : "decode, %d of a prompt".formatted(rows),
                new Goal.RatioAtLeast(GOAL),
                rows,
                seed -> engine.generate(request(0, seed), rows),
                prompts(engine, 1),
                bare));
      }
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
            TrainableDecoder.load(
                folder, Arithmetic.BFLOAT16_PRODUCTS, OptimizerOptions.pretraining());
        BareLlama bare = new BareLlama(folder)) {
      figures.add(training(engine, bare));
    }
    return figures;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(List<Integer> widths, int repetitions) {
    return (widths.size() + 2) * Pairs.measured(repetitions);
  }

  private Path randomWeights() throws IOException {
    Path folder = work.resolve("random");
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            DecoderConfig.read(model),
            Arithmetic.FLOAT32,
            OptimizerOptions.pretraining(),
            new SplittableRandom(1))) {
      decoder.save(
          folder,
          WeightType.BFLOAT16,
          model.resolve("tokenizer.json"),
          Map.of("made_for", "bench"));
    }
    return folder;
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
      handles.add(engine.generate(request(b, seed * callers + b), token -> {}));
    }
    return handles;
  }

  private static GenerationRequest request(int context, long seed) {
    return new GenerationRequest(
        BenchTexts.context(context),
        false,
        PROMPT_TOKENS,
        new SamplingOptions(1, 0, 1, NEW_TOKENS, List.of(), seed));
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
