package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import java.nio.file.Path;
import java.util.List;

/**
 * A decoder that stays as it is and says how likely given completions are: the reference that a
 * policy is kept near, and what adapters are trained on. Any number of threads at a time.
 */
public final class FrozenDecoder implements AutoCloseable {
  private final Path folder;
  private final DecoderConfig config;
  private final Arithmetic arithmetic;
  private final String weightsSha256;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private volatile boolean closed;

  private FrozenDecoder(
      Path folder,
      Arithmetic arithmetic,
      String weightsSha256,
      TrainedWeights weights,
      RotaryTable rotary) {
    this.folder = folder;
    this.config = weights.layout().config();
    this.arithmetic = arithmetic;
    this.weightsSha256 = weightsSha256;
    this.weights = weights;
    this.rotary = rotary;
  }

  /**
   * Returns a decoder with the weights of a Hugging Face folder.
   *
   * @param arithmetic the policy's own, lest the difference in rounding look like divergence
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static FrozenDecoder load(Path folder, Arithmetic arithmetic) {
    TorchRuntime.prepare();
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    String sha256 = ModelManifest.weightsSha256Of(folder);
    try (Opening opening = new Opening()) {
      TrainedWeights weights =
          opening.part(
              new TrainedWeights(new ParameterLayout(config), arithmetic, false),
              TrainedWeights::close);
      RotaryTable rotary =
          opening.part(new RotaryTable(config, arithmetic.full()), RotaryTable::close);
      DecoderFolder.load(folder, weights);
      opening.done();
      return new FrozenDecoder(folder, arithmetic, sha256, weights, rotary);
    }
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return config;
  }

  /**
   * Returns log-probabilities and entropies, temperature 1, of each group's completions.
   *
   * @throws IllegalArgumentException if a completion is too long or has an id outside the
   *     vocabulary, named by its index
   * @throws ModelException BROKEN if a number is not finite, CLOSED after {@link #close}
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    return new GroupComputation(weights(), rotary).scores(groups);
  }

  /**
   * The same, computed as a decoder in training computes with so many lanes: so that equal weights
   * say the same, bit by bit, and on as many threads.
   *
   * @param lanes ≥ 1
   */
  public List<GroupScores> scores(List<CompletionGroup> groups, int lanes) {
    TrainedWeights frozen = weights();
    try (TrainingLanes threads = new TrainingLanes(frozen, rotary, frozen, lanes)) {
      return threads.scores(groups);
    }
  }

  /** Where it was read from. */
  Path folder() {
    return folder;
  }

  Arithmetic arithmetic() {
    return arithmetic;
  }

  /**
   * Compares the files with what they were when it was loaded.
   *
   * @throws ModelException INVALID_FOLDER if one is missing, CORRUPT_WEIGHTS if one is another
   */
  void requireUnchanged() {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    String found = ModelManifest.weightsSha256Of(folder);
    if (!found.equals(weightsSha256)) {
      throw new ModelException(
          Reason.CORRUPT_WEIGHTS,
          "%s: weights of SHA-256 %s (expected: %s, as when they were loaded)"
              .formatted(folder, found, weightsSha256));
    }
  }

  /** The checksum of its weights, as its folder records it, or of the files themselves. */
  String weightsSha256() {
    return weightsSha256;
  }

  /**
   * Its weights.
   *
   * @throws ModelException CLOSED after {@link #close}
   */
  TrainedWeights weights() {
    if (closed) {
      throw new ModelException(Reason.CLOSED, "the decoder is closed");
    }
    return weights;
  }

  RotaryTable rotary() {
    return rotary;
  }

  /** Frees its memory; whoever closes it knows that nobody computes with it. */
  @Override
  public void close() {
    closed = true;
    weights.close();
    rotary.close();
  }
}
