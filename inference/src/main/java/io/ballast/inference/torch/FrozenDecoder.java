package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import java.nio.file.Path;
import java.util.List;

/**
 * A decoder that only says how likely given completions are: the reference that a policy is kept
 * near. One thread at a time.
 */
public final class FrozenDecoder implements AutoCloseable {
  private final DecoderConfig config;
  private final TrainedWeights weights;
  private final RotaryTable rotary;

  private FrozenDecoder(DecoderConfig config, Arithmetic arithmetic) {
    TorchRuntime.prepare();
    this.config = config;
    this.weights = new TrainedWeights(new ParameterLayout(config), arithmetic, false);
    this.rotary = new RotaryTable(config, arithmetic.full());
  }

  /**
   * Returns a decoder with the weights of a Hugging Face folder.
   *
   * @param arithmetic the policy's own, lest the difference in rounding look like divergence
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static FrozenDecoder load(Path folder, Arithmetic arithmetic) {
    FrozenDecoder decoder = new FrozenDecoder(DecoderFolder.verifiedConfig(folder), arithmetic);
    try {
      DecoderFolder.load(folder, decoder.weights);
      return decoder;
    } catch (RuntimeException e) {
      decoder.close();
      throw e;
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
   * @throws ModelException BROKEN if a number is not finite
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    return new GroupComputation(weights, rotary).scores(groups);
  }

  @Override
  public void close() {
    weights.close();
    rotary.close();
  }
}
