package io.ballast.loadtest.bench;

import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a version that is unloaded gives its memory back: one of some tens of megabytes is
 * loaded, draws for several callers and is unloaded, again and again, with the process's resident
 * memory at each turn. The first turn warms up and does not count.
 */
final class UnloadBench {
  private static final int TURNS = 41;
  private static final int ROWS = 8;
  private static final int NEW_TOKENS = 8;
  private static final double MOST_KEPT = 0.1;
  private static final double MOST_GROWN = 1.05;

  /**
   * Resident memory of one turn, in bytes.
   *
   * @param before the version is loaded
   * @param loaded after it has drawn
   * @param unloaded after it is gone
   */
  record Turn(long before, long loaded, long unloaded) {}

  private final Path model;
  private final Path work;
  private final int turns;
  private final Runnable progress;

  /**
   * @param model a Hugging Face folder: its tokenizer is used
   * @param turns how many there are, with the first, which does not count; 5 or more
   * @param progress told after each turn
   */
  UnloadBench(Path model, Path work, int turns, Runnable progress) {
    this.model = model;
    this.work = work;
    this.turns = turns;
    this.progress = progress;
  }

  /** As many turns as show whether what stays adds up. */
  static int steps() {
    return TURNS;
  }

  /** Loads and unloads, and returns what memory was; the first turn is not among them. */
  List<Turn> turns() throws IOException {
    Path folder = RandomWeights.of(shape(), work.resolve("random-unload"));
    MemoryBudget budget = new MemoryBudget(1L << 40);
    List<Turn> counted = new ArrayList<>();
    for (int i = 0; i < turns; i++) {
      long before = settled();
      long loaded;
      try (TorchDecoder decoder =
          TorchDecoder.load(
              folder, ServingOptions.defaults(), "bench/" + i, budget, new KeptVocabulary())) {
        draw(decoder);
        loaded = settled();
      }
      if (budget.takenBytes() != 0) {
        throw new IllegalStateException("an unloaded version holds its reservation");
      }
      if (i > 0) {
        counted.add(new Turn(before, loaded, settled()));
      }
      progress.run();
    }
    return counted;
  }

  /** A shape of 18 million parameters, 37 MB as it is kept, with the model's tokenizer. */
  private Path shape() throws IOException {
    int vocabulary = DecoderConfig.read(model).vocabularySize();
    Path folder = Files.createDirectories(work.resolve("unload-shape"));
    Files.copy(
        model.resolve("tokenizer.json"),
        folder.resolve("tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 384,
         "intermediate_size": 1024, "num_hidden_layers": 9, "num_attention_heads": 6,
         "num_key_value_heads": 6, "vocab_size": %d, "max_position_embeddings": 256,
         "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": true,
         "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "silu"}
        """
            .formatted(vocabulary));
    return folder;
  }

  private static void draw(TorchDecoder decoder) {
    List<GenerationHandle> handles = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      handles.add(
          decoder.generate(
              new GenerationRequest(
                  BenchTexts.words(row, 100),
                  false,
                  160,
                  SamplingOptions.builder().maxNewTokens(NEW_TOKENS).seed(row).build()),
              token -> {}));
    }
    handles.forEach(handle -> handle.result().join());
  }

  private static long settled() throws IOException {
    System.gc();
    return FlatMemoryBench.resident();
  }

  /**
   * What stays of a version that is gone, and whether it adds up: the mean of the last quarter of
   * turns beside that of the second. Of four turns or more.
   */
  static List<Figure> figures(List<Turn> turns) {
    List<Double> taken = new ArrayList<>();
    List<Double> kept = new ArrayList<>();
    for (Turn turn : turns) {
      double took = turn.loaded() - turn.before();
      taken.add(took / 1e6);
      kept.add((turn.unloaded() - turn.before()) / took);
    }
    return List.of(
        Pairs.alone("a loaded version: resident memory", "MB", taken, new Goal.Reported()),
        Pairs.alone(
            "unloaded: what stays of what it took", "ratio", kept, new Goal.Below(MOST_KEPT)),
        FlatMemoryBench.lateBesideEarly(
            "unloaded: resident memory",
            turns.stream().map(turn -> turn.unloaded() / 1e6).toList(),
            MOST_GROWN));
  }
}
