package io.ballast.loadtest.bench;

import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * What callers gain by sharing an engine's steps, and what a stream of unlike requests feels: the
 * time to the first token, and between tokens.
 */
final class BatchingBench {
  private static final int CALLERS = 16;
  private static final int CALLS_EACH = 2;
  private static final int PROMPT_TOKENS = 32;
  private static final int NEW_TOKENS = 32;
  private static final double GOAL = 3;
  private static final double SHARE_OF_CAPACITY = 0.6;
  private static final int MIXED_REQUESTS = 200;
  private static final int MOST_NEW_TOKENS = 64;

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
   * @param progress told after each pair, and after the stream
   */
  BatchingBench(Path model, Path work, int repetitions, LongSupplier nanoTime, Runnable progress) {
    this.model = model;
    this.work = work;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return Pairs.measured(repetitions) + 1;
  }

  /** Measures callers in a closed loop beside one at a time, then the stream. */
  List<Figure> run() throws IOException, InterruptedException {
    TorchRuntime.setThreads(1);
    Path folder = RandomWeights.of(model, work.resolve("random-batching"));
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults());
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      List<Long> gaps = Collections.synchronizedList(new ArrayList<>());
      Figure throughput =
          Pairs.measure(
                  repetitions,
                  () -> closedLoop(engine, callers, gaps),
                  () -> oneAtATime(engine),
                  progress)
              .figure(
                  "%d callers, beside one at a time".formatted(CALLERS),
                  "tokens/s",
                  new Goal.RatioAtLeast(GOAL));
      List<Figure> figures = new ArrayList<>();
      figures.add(throughput);
      figures.add(
          once("%d callers: between tokens, p99".formatted(CALLERS), quantile(gaps, 0.99) / 1e6));
      figures.addAll(mixedStream(engine, mixedPerSecond(engine) * SHARE_OF_CAPACITY));
      progress.run();
      return figures;
    }
  }

  private double closedLoop(TorchDecoder engine, ExecutorService callers, List<Long> gaps) {
    long start = nanoTime.getAsLong();
    LongAdder tokens = new LongAdder();
    List<Future<?>> done = new ArrayList<>();
    for (int c = 0; c < CALLERS; c++) {
      long caller = c;
      done.add(
          callers.submit(
              () -> {
                for (int i = 0; i < CALLS_EACH; i++) {
                  long[] last = {0};
                  GenerationHandle handle =
                      engine.generate(
                          request(start + caller * CALLS_EACH + i, PROMPT_TOKENS, NEW_TOKENS),
                          token -> {
                            long now = nanoTime.getAsLong();
                            if (last[0] != 0) {
                              gaps.add(now - last[0]);
                            }
                            last[0] = now;
                          });
                  tokens.add(handle.result().join().tokens().size());
                }
              }));
    }
    done.forEach(BatchingBench::join);
    return tokens.sum() * 1e9 / (nanoTime.getAsLong() - start);
  }

  private double oneAtATime(TorchDecoder engine) {
    long start = nanoTime.getAsLong();
    long tokens = 0;
    for (int c = 0; c < CALLERS; c++) {
      tokens +=
          engine
              .generate(request(start + c, PROMPT_TOKENS, NEW_TOKENS), token -> {})
              .result()
              .join()
              .tokens()
              .size();
    }
    return tokens * 1e9 / (nanoTime.getAsLong() - start);
  }

  /** How many of the stream's requests are answered a second when they are all there at once. */
  private double mixedPerSecond(TorchDecoder engine) {
    SplittableRandom random = new SplittableRandom(6);
    long start = nanoTime.getAsLong();
    List<GenerationHandle> handles = new ArrayList<>();
    for (int i = 0; i < MIXED_REQUESTS; i++) {
      handles.add(engine.generate(mixed(engine, random), token -> {}));
    }
    handles.forEach(handle -> handle.result().join());
    return MIXED_REQUESTS * 1e9 / (nanoTime.getAsLong() - start);
  }

  /** A prompt of 8 tokens to most of the context, 1 to 63 new tokens. */
  private static GenerationRequest mixed(TorchDecoder engine, SplittableRandom random) {
    int newTokens = random.nextInt(1, MOST_NEW_TOKENS);
    int longest = engine.contextTokens() - MOST_NEW_TOKENS;
    return request(random.nextLong(), random.nextInt(8, longest), newTokens);
  }

  /** Requests at random moments (Poisson). Latency counts from when a request was due. */
  private List<Figure> mixedStream(TorchDecoder engine, double perSecond)
      throws InterruptedException {
    SplittableRandom random = new SplittableRandom(7);
    List<Long> firsts = Collections.synchronizedList(new ArrayList<>());
    List<Long> gaps = Collections.synchronizedList(new ArrayList<>());
    List<GenerationHandle> handles = new ArrayList<>();
    long due = nanoTime.getAsLong();
    for (int i = 0; i < MIXED_REQUESTS; i++) {
      due += (long) (-Math.log1p(-random.nextDouble()) * 1e9 / perSecond);
      waitUntil(due);
      long from = due;
      long[] last = {0};
      handles.add(
          engine.generate(
              mixed(engine, random),
              token -> {
                long now = nanoTime.getAsLong();
                if (last[0] == 0) {
                  firsts.add(now - from);
                } else {
                  gaps.add(now - last[0]);
                }
                last[0] = now;
              }));
    }
    handles.forEach(handle -> handle.result().join());
    return List.of(
        once("mixed stream: first token, p50", quantile(firsts, 0.5) / 1e6),
        once("mixed stream: first token, p99", quantile(firsts, 0.99) / 1e6),
        once("mixed stream: between tokens, p99", quantile(gaps, 0.99) / 1e6));
  }

  private void waitUntil(long due) throws InterruptedException {
    for (long left = due - nanoTime.getAsLong(); left > 0; left = due - nanoTime.getAsLong()) {
      LockSupport.parkNanos(left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  private static GenerationRequest request(long seed, int promptTokens, int newTokens) {
    return new GenerationRequest(
        BenchTexts.words(seed, promptTokens),
        false,
        promptTokens,
        SamplingOptions.builder().maxNewTokens(newTokens).seed(seed).build());
  }

  private static Figure once(String name, double milliseconds) {
    return Pairs.alone(name, "ms", List.of(milliseconds), new Goal.Reported());
  }

  /** The smallest value that at least the share {@code q} of all does not exceed. */
  static double quantile(List<Long> values, double q) {
    List<Long> sorted = values.stream().sorted().toList();
    return sorted.get(Math.max(0, (int) Math.ceil(q * sorted.size()) - 1));
  }

  private static void join(Future<?> future) {
    try {
      var unused = future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }
}
