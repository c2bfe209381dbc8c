package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A decoder in training: weights, gradients and AdamW's state.
 *
 * <p>One thread at a time. The same weights, tokens, seed, arithmetic and number of torch threads
 * give the same numbers on the same machine.
 */
public final class TrainableDecoder implements AutoCloseable {
  /**
   * What a step did.
   *
   * @param loss mean cross-entropy before the step, in nats a token
   * @param gradientNorm Euclidean norm over all weights before clipping
   */
  public record StepResult(double loss, double gradientNorm) {}

  private final LlamaConfig config;
  private final TrainedWeights weights;
  private final AdamW optimizer;
  private final RotaryTable rotary;

  private TrainableDecoder(LlamaConfig config, Arithmetic arithmetic, OptimizerOptions options) {
    TorchRuntime.prepare();
    this.config = config;
    this.weights = new TrainedWeights(new ParameterLayout(config), arithmetic, true);
    this.optimizer = new AdamW(weights.flat(), options);
    this.rotary = new RotaryTable(config, arithmetic.full());
  }

  /** Returns a decoder with fresh weights drawn from {@code random}. */
  public static TrainableDecoder create(
      LlamaConfig config, Arithmetic arithmetic, OptimizerOptions options, RandomGenerator random) {
    TrainableDecoder decoder = new TrainableDecoder(config, arithmetic, options);
    WeightsInitializer.initialize(decoder.weights, random);
    return decoder;
  }

  /**
   * Returns a decoder with the weights of a Hugging Face folder and a fresh optimiser.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static TrainableDecoder load(
      Path folder, Arithmetic arithmetic, OptimizerOptions options) {
    LlamaConfig config = LlamaFolder.verifiedConfig(folder);
    TrainableDecoder decoder = new TrainableDecoder(config, arithmetic, options);
    try {
      LlamaFolder.load(folder, decoder.weights);
      return decoder;
    } catch (RuntimeException e) {
      decoder.close();
      throw e;
    }
  }

  /** The model's shape. */
  public LlamaConfig config() {
    return config;
  }

  /** Optimiser steps taken so far, those before a {@link #restoreCheckpoint} included. */
  public long steps() {
    return optimizer.steps();
  }

  /**
   * Takes one step on the cross-entropy of each row's next tokens.
   *
   * @param tokens shape [B][T + 1], B ≥ 1, 1 ≤ T ≤ context, ids of the vocabulary
   * @param learningRate ≥ 0
   * @throws ModelException BROKEN if loss or gradient is not finite: the weights have not changed
   */
  public StepResult trainStep(int[][] tokens, double learningRate) {
    requireRows(tokens);
    if (!(learningRate >= 0 && Double.isFinite(learningRate))) {
      throw new IllegalArgumentException("learning_rate: " + learningRate + " (expected: ≥ 0)");
    }
    weights.clearGradients();
    try (PointerScope scope = new PointerScope()) {
      Tensor loss = loss(tokens);
      double value = requireFinite(loss.item_double());
      loss.backward();
      return new StepResult(value, optimizer.step(weights, learningRate));
    }
  }

  /**
   * Returns the mean cross-entropy of each row's next tokens, in nats a token; changes nothing.
   *
   * @param tokens shape [B][T + 1], as for {@link #trainStep}
   * @throws ModelException BROKEN if it is not finite
   */
  public double meanLoss(int[][] tokens) {
    requireRows(tokens);
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return requireFinite(loss(tokens).item_double());
    }
  }

  private Tensor loss(int[][] tokens) {
    int rows = tokens.length;
    int length = tokens[0].length - 1;
    long[] inputs = new long[rows * length];
    long[] targets = new long[rows * length];
    for (int b = 0; b < rows; b++) {
      for (int t = 0; t < length; t++) {
        inputs[b * length + t] = tokens[b][t];
        targets[b * length + t] = tokens[b][t + 1];
      }
    }
    LlamaNetwork network = weights.network();
    Tensor residual =
        network.hidden(
            Tensors.of(inputs, rows, length),
            rotary.first(length),
            LlamaNetwork.withoutMemory(null));
    Tensor logits = network.logits(residual.view(-1, config.hiddenSize()));
    return torch.cross_entropy_loss(
        logits.to(weights.flat().scalar_type()), Tensors.of(targets, targets.length));
  }

  private static double requireFinite(double loss) {
    if (!Double.isFinite(loss)) {
      throw new ModelException(Reason.BROKEN, "loss: " + loss + " (expected: finite)");
    }
    return loss;
  }

  private void requireRows(int[][] tokens) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("tokens: no rows (expected: ≥ 1)");
    }
    for (int b = 0; b < tokens.length; b++) {
      int length = tokens[b].length;
      if (length < 2 || length > config.contextTokens() + 1 || length != tokens[0].length) {
        throw new IllegalArgumentException(
            "tokens["
                + b
                + "]: "
                + length
                + " tokens (expected: 2 to "
                + (config.contextTokens() + 1)
                + ", as many as tokens[0])");
      }
      for (int t = 0; t < length; t++) {
        if (tokens[b][t] < 0 || tokens[b][t] >= config.vocabularySize()) {
          throw new IllegalArgumentException(
              "tokens["
                  + b
                  + "]["
                  + t
                  + "]: "
                  + tokens[b][t]
                  + " (expected: ≥ 0 and < "
                  + config.vocabularySize()
                  + ")");
        }
      }
    }
  }

  /**
   * Writes a Hugging Face folder, which loads in {@code transformers}, with checksums.
   *
   * @param folder created if absent; files of these names in it are replaced
   * @param type of the weights on disk; BFLOAT16 is half as long and rounds
   * @param tokenizer a tokenizer.json, which is copied
   * @param notes kept in ballast.json, such as the parent version or the seed
   */
  public void save(Path folder, WeightType type, Path tokenizer, Map<String, String> notes)
      throws IOException {
    LlamaFolder.save(folder, weights.layout(), weights.flat(), type, tokenizer, notes);
  }

  /**
   * Writes weights and optimiser state to one file, whole or not at all.
   *
   * @param notes given back by {@link #restoreCheckpoint}, such as the position in the data
   */
  public void saveCheckpoint(Path file, Map<String, String> notes) throws IOException {
    TrainingCheckpoint.save(file, weights, optimizer, notes);
  }

  /**
   * Goes on from a checkpoint: what follows equals, bit for bit, what would have followed then.
   *
   * @return what was noted when it was written
   * @throws ModelException INVALID_FOLDER if it is missing or of another shape; nothing has changed
   */
  public Map<String, String> restoreCheckpoint(Path file) {
    return TrainingCheckpoint.restore(file, weights, optimizer);
  }

  @Override
  public void close() {
    optimizer.close();
    weights.close();
    rotary.close();
  }
}
