package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

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

  private final DecoderConfig config;
  private final TrainedWeights weights;
  private final AdamW optimizer;
  private final RotaryTable rotary;

  private TrainableDecoder(DecoderConfig config, Arithmetic arithmetic, OptimizerOptions options) {
    TorchRuntime.prepare();
    this.config = config;
    this.weights = new TrainedWeights(new ParameterLayout(config), arithmetic, true);
    this.optimizer = new AdamW(weights.flat(), options);
    this.rotary = new RotaryTable(config, arithmetic.full());
  }

  /** Returns a decoder with fresh weights drawn from {@code random}. */
  public static TrainableDecoder create(
      DecoderConfig config,
      Arithmetic arithmetic,
      OptimizerOptions options,
      RandomGenerator random) {
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
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    TrainableDecoder decoder = new TrainableDecoder(config, arithmetic, options);
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

  /** Optimiser steps taken so far, those before a {@link #restoreCheckpoint} included. */
  public long steps() {
    return optimizer.steps();
  }

  /**
   * Takes one step on the cross-entropy of each row's next tokens. Forgets what {@link
   * #forwardBackward} collected.
   *
   * @param tokens shape [B][T + 1], B ≥ 1, 1 ≤ T ≤ context, ids of the vocabulary
   * @param learningRate ≥ 0
   * @throws ModelException BROKEN if loss or gradient is not finite: the weights have not changed,
   *     and nothing stays collected
   */
  public StepResult trainStep(int[][] tokens, double learningRate) {
    requireRows(tokens);
    requireLearningRate(learningRate);
    weights.clearGradients();
    try {
      return stepOnRows(tokens, learningRate);
    } catch (RuntimeException e) {
      weights.clearGradients();
      throw e;
    }
  }

  private StepResult stepOnRows(int[][] tokens, double learningRate) {
    try (PointerScope scope = new PointerScope()) {
      Tensor input = headInput(tokens);
      double[] lossSum = new double[1];
      Tensor byInput =
          head().crossEntropy(input.detach(), targets(tokens), weights.headGradients(), lossSum);
      double loss = requireFinite(lossSum[0] / input.size(0));
      input.backward(byInput, new BoolOptional(), false, new TensorArrayRefOptional());
      return new StepResult(loss, optimizer.step(weights, learningRate));
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
      return requireFinite(head().meanCrossEntropy(headInput(tokens), targets(tokens)));
    }
  }

  /**
   * Returns log-probabilities and entropies, temperature 1, of each group's completions under the
   * weights in training; changes nothing.
   *
   * @throws IllegalArgumentException if a completion is too long or has an id outside the
   *     vocabulary, named by its index
   * @throws ModelException BROKEN if a number is not finite
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    return new GroupComputation(weights, rotary).scores(groups);
  }

  /**
   * Adds the gradients of a loss over {@code groups} to those collected since the last step.
   *
   * <p>The loss itself is the caller's: this computes each token's log-probability and entropy,
   * asks for the derivatives by them, and back-propagates Σ wᵗ·logpᵗ + Σ vᵗ·Hᵗ. Groups are computed
   * in micro-batches, so the function may not rely on other groups' scores; a loss that needs them
   * asks {@link #scores} first.
   *
   * @return the scores of {@code groups}, in their order
   * @throws IllegalArgumentException if a group does not fit the model, or a derivative is not
   *     finite or of another shape; named. Nothing stays collected
   * @throws ModelException BROKEN if a score is not finite. Nothing stays collected
   */
  public List<GroupScores> forwardBackward(
      List<CompletionGroup> groups, TokenGradientFunction gradients) {
    try {
      return new GroupComputation(weights, rotary).forwardBackward(groups, gradients);
    } catch (RuntimeException e) {
      weights.clearGradients();
      throw e;
    }
  }

  /**
   * Takes one AdamW step down the gradients collected by {@link #forwardBackward}, and forgets
   * them.
   *
   * @param learningRate ≥ 0
   * @return the gradient's Euclidean norm over all weights before clipping
   * @throws ModelException BROKEN if the gradient is not finite: the weights have not changed
   */
  public double optimizerStep(double learningRate) {
    requireLearningRate(learningRate);
    try (PointerScope scope = new PointerScope()) {
      return optimizer.step(weights, learningRate);
    }
  }

  /** Forgets the gradients collected since the last step. */
  public void clearGradients() {
    weights.clearGradients();
  }

  private LanguageHead head() {
    return new LanguageHead(weights.network().head().detach(), weights.fullType());
  }

  /** The head's input at every token but the last of each row, shape [B · T, D]. */
  private Tensor headInput(int[][] tokens) {
    int rows = tokens.length;
    int length = tokens[0].length - 1;
    Tensor residual =
        weights
            .network()
            .hidden(
                Tensors.of(flattened(tokens, 0), rows, length),
                rotary.first(length),
                DecoderNetwork.withoutMemory(null));
    return weights.network().normalized(residual.view(-1, config.hiddenSize()));
  }

  private static Tensor targets(int[][] tokens) {
    long[] targets = flattened(tokens, 1);
    return Tensors.of(targets, targets.length);
  }

  /** All rows from their token at {@code first}, each one token shorter than it is. */
  private static long[] flattened(int[][] tokens, int first) {
    int length = tokens[0].length - 1;
    long[] flat = new long[tokens.length * length];
    for (int b = 0; b < tokens.length; b++) {
      for (int t = 0; t < length; t++) {
        flat[b * length + t] = tokens[b][t + first];
      }
    }
    return flat;
  }

  private static void requireLearningRate(double learningRate) {
    if (!(learningRate >= 0 && Double.isFinite(learningRate))) {
      throw new IllegalArgumentException("learning_rate: " + learningRate + " (expected: ≥ 0)");
    }
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
    DecoderFolder.save(folder, weights.layout(), weights.flat(), type, tokenizer, notes);
  }

  /** Returns a copy of the weights as they are, for a decoder that samples from them. */
  public WeightsSnapshot snapshot() {
    return WeightsSnapshot.of(weights);
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

  TrainedWeights weights() {
    return weights;
  }

  @Override
  public void close() {
    optimizer.close();
    weights.close();
    rotary.close();
  }
}
