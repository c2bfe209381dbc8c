package io.ballast.loadtest.bench;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decoding beside what a user would pick in Python, on the same cores with as many threads: Hugging
 * Face transformers on the same weights in the same numbers, and llama.cpp on a file of its own
 * kind. A peer whose packages are not there is left out with a word, its figures unmeasured.
 */
final class PeerBench {
  private static final int PROMPT_TOKENS = 16;
  private static final double SMALL_GOAL = 1.5;
  private static final double TINY_GOAL = 2.5;
  private static final List<Integer> ROWS = List.of(1, 8);
  private static final List<Integer> LLAMA_CPP_ROWS = List.of(1, 8, 32);

  private final String python;
  private final Path work;
  private final int repetitions;
  private final int threads;
  private final LongSupplier nanoTime;
  private final Runnable progress;
  private final Consumer<String> word;

  /**
   * Binds what is measured.
   *
   * @param python the interpreter that has the packages
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1
   * @param threads of the engine and of a peer
   * @param progress told after each pair
   * @param word told why a peer is left out
   */
  PeerBench(
      String python,
      Path work,
      int repetitions,
      int threads,
      LongSupplier nanoTime,
      Runnable progress,
      Consumer<String> word) {
    this.python = python;
    this.work = work;
    this.repetitions = repetitions;
    this.threads = threads;
    this.nanoTime = nanoTime;
    this.progress = progress;
    this.word = word;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions, boolean gguf) {
    return (2 * ROWS.size() + (gguf ? LLAMA_CPP_ROWS.size() : 0)) * Pairs.measured(repetitions);
  }

  /**
   * Measures.
   *
   * @param tiny a model of the default shape with random weights
   * @param small one of 135 million parameters
   * @param gguf a file for llama.cpp, of about the same shape; absent: it is left out
   */
  List<Figure> run(Path tiny, Path small, @Nullable Path gguf) throws IOException {
    TorchRuntime.setThreads(threads);
    try {
      List<Figure> figures = new ArrayList<>();
      figures.addAll(besideTransformers("tiny", tiny, 64, TINY_GOAL));
      figures.addAll(besideTransformers("135M", small, 32, SMALL_GOAL));
      if (gguf == null) {
        word.accept("llama.cpp is left out: no --gguf FILE");
      } else {
        figures.addAll(besideLlamaCpp(small, gguf));
      }
      return figures;
    } finally {
      TorchRuntime.setThreads(1);
    }
  }

  private List<Figure> besideTransformers(String shape, Path folder, int newTokens, double goal)
      throws IOException {
    Optional<PythonPeer> started =
        PythonPeer.start(
            python,
            "transformers_peer.py",
            work,
            List.of(folder.toString(), Integer.toString(threads), numbers()),
            threads);
    if (started.isEmpty()) {
      word.accept(
          "transformers is left out: "
              + python
              + " or its packages torch and transformers are not"
              + " there (--python names another)");
      return ROWS.stream()
          .map(
              rows ->
                  Figure.unmeasured(
                      transformersName(shape, rows), "tokens/s", new Goal.RatioAtLeast(goal)))
          .toList();
    }
    try (PythonPeer peer = started.get();
        TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults())) {
      word.accept(shape + ": beside " + peer.version());
      List<Figure> figures = new ArrayList<>();
      for (int rows : ROWS) {
        figures.add(
            pairs(engine, peer, rows, newTokens)
                .figure(transformersName(shape, rows), "tokens/s", new Goal.RatioAtLeast(goal)));
      }
      return figures;
    }
  }

  private static String transformersName(String shape, int rows) {
    return "%s: %d rows, beside transformers".formatted(shape, rows);
  }

  private static String numbers() {
    return Arithmetic.quickest() == Arithmetic.FLOAT32 ? "float32" : "bfloat16";
  }

  private List<Figure> besideLlamaCpp(Path folder, Path gguf) throws IOException {
    List<Figure> figures = new ArrayList<>();
    try (TorchDecoder engine = TorchDecoder.load(folder, ServingOptions.defaults())) {
      for (int rows : LLAMA_CPP_ROWS) {
        Optional<PythonPeer> started =
            PythonPeer.start(
                python,
                "llama_cpp_peer.py",
                work,
                List.of(gguf.toString(), Integer.toString(threads), Integer.toString(rows)),
                threads);
        if (started.isEmpty()) {
          word.accept(
              "llama.cpp is left out: " + python + " or its package xllamacpp is not there");
          figures.add(Figure.unmeasured(llamaCppName(rows, gguf), "tokens/s", new Goal.Reported()));
          return figures;
        }
        try (PythonPeer peer = started.get()) {
          figures.add(
              pairs(engine, peer, rows, 32)
                  .figure(llamaCppName(rows, gguf), "tokens/s", new Goal.Reported()));
        }
      }
    }
    return figures;
  }

  private static String llamaCppName(int rows, Path gguf) {
    return "135M: %d rows, beside llama.cpp on %s".formatted(rows, gguf.getFileName());
  }

  private Pairs pairs(TorchDecoder engine, PythonPeer peer, int rows, int newTokens) {
    long[] seed = new long[1];
    int[] prompt =
        engine.generate(request(0, 1), token -> {}).result().join().promptTokens().toArray();
    return Pairs.measure(
        repetitions,
        () -> {
          long start = nanoTime.getAsLong();
          long tokens =
              engine.generate(request(++seed[0], newTokens), rows).stream()
                  .mapToLong(handle -> handle.result().join().tokens().size())
                  .sum();
          return tokens * 1e9 / (nanoTime.getAsLong() - start);
        },
        () -> peer.tokensPerSecond(rows, prompt, newTokens),
        progress);
  }

  private static GenerationRequest request(long seed, int newTokens) {
    return new GenerationRequest(
        BenchTexts.words(seed, PROMPT_TOKENS),
        false,
        PROMPT_TOKENS,
        SamplingOptions.greedy(newTokens));
  }
}
