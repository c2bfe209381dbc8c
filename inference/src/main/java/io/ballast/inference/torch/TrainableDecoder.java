package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * A decoder in training: weights, gradients and AdamW's state; and a critic on its trunk if it was
 * asked for, which is trained and kept in checkpoints with them but is no part of what is saved.
 * What is trained are the weights themselves, or adapters on a decoder that stays as it is.
 *
 * <p>One thread at a time, which may have others compute with it. The same weights, tokens, seed,
 * arithmetic, lanes and number of torch threads give the same numbers on the same machine.
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
  private final RotaryTable rotary;
  private final Trained trained;
  private final TrainingState state;
  private final TrainingLanes lanes;

  private TrainableDecoder(
      TrainedWeights weights, RotaryTable rotary, TrainingState state, int lanes) {
    this.config = weights.layout().config();
    this.weights = weights;
    this.rotary = rotary;
    this.trained = state.trained();
    this.state = state;
    this.lanes = new TrainingLanes(weights, rotary, trained, lanes);
  }

  /**
   * All weights in training.
   *
   * @param fill writes the first ones
   */
  private static TrainableDecoder whole(
      DecoderConfig config,
      Arithmetic arithmetic,
      TrainingOptions options,
      Consumer<TrainedWeights> fill) {
    TorchRuntime.prepare();
    try (Opening opening = new Opening()) {
      TrainedWeights weights =
          opening.part(
              new TrainedWeights(new ParameterLayout(config, options.critic()), arithmetic, true),
              TrainedWeights::close);
      RotaryTable rotary =
          opening.part(new RotaryTable(config, arithmetic.full()), RotaryTable::close);
      fill.accept(weights);
      TrainingState state = TrainingState.of(weights, options);
      opening.done();
      return new TrainableDecoder(weights, rotary, state, options.lanes());
    }
  }

  /** Returns a decoder with fresh weights drawn from {@code random}. */
  public static TrainableDecoder create(
      DecoderConfig config,
      Arithmetic arithmetic,
      OptimizerOptions options,
      RandomGenerator random) {
    return create(config, arithmetic, TrainingOptions.of(options), random);
  }

  /** The same with more to say. */
  public static TrainableDecoder create(
      DecoderConfig config,
      Arithmetic arithmetic,
      TrainingOptions options,
      RandomGenerator random) {
    return whole(
        config, arithmetic, options, weights -> WeightsInitializer.initialize(weights, random));
  }

  /**
   * Returns a decoder with the weights of a Hugging Face folder and a fresh optimiser.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public static TrainableDecoder load(
      Path folder, Arithmetic arithmetic, OptimizerOptions options) {
    return load(folder, arithmetic, TrainingOptions.of(options));
  }

  /** The same with more to say. */
  public static TrainableDecoder load(Path folder, Arithmetic arithmetic, TrainingOptions options) {
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    return whole(config, arithmetic, options, weights -> DecoderFolder.load(folder, weights));
  }

  /**
   * Returns a decoder whose only numbers in training are low-rank adapters on {@code base}, and a
   * critic's if it is asked for: at the start it says what {@code base} says. Gradients, moments
   * and checkpoints are of the adapters alone; what is saved is the base with the adapters added.
   *
   * @param base may carry the adapters of several decoders at a time; closed by the caller, after
   *     this
   * @param random draws the adapters' first numbers
   * @throws IllegalArgumentException if a projection is narrower than the adapters' rank; named
   */
  public static TrainableDecoder adapting(
      FrozenDecoder base, LoraOptions adapters, TrainingOptions options, RandomGenerator random) {
    try (Opening opening = new Opening()) {
      LoraAdapters trained =
          opening.part(
              new LoraAdapters(base, adapters, options.critic(), random), LoraAdapters::close);
      TrainingState state = TrainingState.of(trained, options);
      opening.done();
      return new TrainableDecoder(base.weights(), base.rotary(), state, options.lanes());
    }
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return config;
  }

  /** Optimiser steps taken so far, those before a {@link #restoreCheckpoint} included. */
  public long steps() {
    return state.optimizer().steps();
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
    TokenRows rows = new TokenRows(tokens, config);
    requireLearningRate(learningRate);
    trained.clearGradients();
    try {
      return stepOnRows(rows, learningRate);
    } catch (RuntimeException | Error e) {
      trained.clearGradients();
      throw e;
    }
  }

  private StepResult stepOnRows(TokenRows rows, double learningRate) {
    try (PointerScope scope = new PointerScope()) {
      double loss = nextTokens().backward(rows);
      return new StepResult(loss, state.step(learningRate));
    }
  }

  private NextTokenLoss nextTokens() {
    state.requireWhole();
    return new NextTokenLoss(weights, rotary, trained);
  }

  /**
   * Returns the mean cross-entropy of each row's next tokens, in nats a token; changes nothing.
   *
   * @param tokens shape [B][T + 1], as for {@link #trainStep}
   * @throws ModelException BROKEN if it is not finite
   */
  public double meanLoss(int[][] tokens) {
    return nextTokens().mean(new TokenRows(tokens, config));
  }

  /**
   * Returns log-probabilities and entropies, temperature 1, of each group's completions under the
   * weights in training, and the critic's values; changes nothing.
   *
   * @throws IllegalArgumentException if a completion is too long or has an id outside the
   *     vocabulary, named by its index
   * @throws ModelException BROKEN if a number is not finite
   */
  public List<GroupScores> scores(List<CompletionGroup> groups) {
    state.requireWhole();
    return lanes.scores(groups);
  }

  /**
   * Adds the gradients of a loss over {@code groups} to those collected since the last step.
   *
   * <p>The loss itself is the caller's: this computes each token's log-probability, entropy and
   * value, asks for the derivatives by them, and back-propagates Σ wᵗ·logpᵗ + Σ vᵗ·Hᵗ + Σ uᵗ·Vᵗ,
   * the last through the critic into the trunk too. Groups are computed in micro-batches, so the
   * function may not rely on other groups' scores; a loss that needs them asks {@link #scores}
   * first.
   *
   * @return the scores of {@code groups}, in their order
   * @throws IllegalArgumentException if a group does not fit the model, or a derivative is not
   *     finite, of another shape, or by values that there are not; named. Nothing stays collected
   * @throws ModelException BROKEN if a score is not finite. Nothing stays collected
   */
  public List<GroupScores> forwardBackward(
      List<CompletionGroup> groups, TokenGradientFunction gradients) {
    state.requireWhole();
    try {
      return lanes.forwardBackward(groups, gradients);
    } catch (RuntimeException | Error e) {
      trained.clearGradients();
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
      return state.step(learningRate);
    }
  }

  /**
   * Takes one AdamW step of the critic alone, down its part of the gradients collected, and forgets
   * all of them. The decoder's weights, or adapters, stay as they are, and so do their moments and
   * {@link #steps}: their first own step is as if there had been none before.
   *
   * @param learningRate ≥ 0
   * @return the Euclidean norm of the critic's gradient before clipping
   * @throws ModelException BROKEN if it is not finite: nothing has changed
   * @throws IllegalStateException if there is no critic
   */
  public double criticStep(double learningRate) {
    requireLearningRate(learningRate);
    try (PointerScope scope = new PointerScope()) {
      return state.stepCritic(learningRate);
    }
  }

  /** Whether an average of the weights is kept. */
  public boolean hasAverage() {
    return state.hasAverage();
  }

  /**
   * Returns what {@link #scores} would under the average of the weights; changes nothing.
   *
   * @throws IllegalStateException if none is kept
   */
  public List<GroupScores> averageScores(List<CompletionGroup> groups) {
    return state.withAverage(() -> scores(groups));
  }

  /** Forgets the gradients collected since the last step. */
  public void clearGradients() {
    trained.clearGradients();
  }

  private static void requireLearningRate(double learningRate) {
    if (!(learningRate >= 0 && Double.isFinite(learningRate))) {
      throw new IllegalArgumentException("learning_rate: " + learningRate + " (expected: ≥ 0)");
    }
  }

  /**
   * Writes a Hugging Face folder, which loads in {@code transformers}, with checksums. A critic is
   * left out; adapters are added to the weights of their base, W + (α/r)·B·A.
   *
   * @param folder created if absent; files of these names in it are replaced
   * @param type of the weights on disk; BFLOAT16 is half as long and rounds
   * @param tokenizer a tokenizer.json, which is copied
   * @param notes kept in ballast.json, such as the parent version or the seed
   * @throws IllegalArgumentException if {@code folder} is the adapters' base, which is read while
   *     they are saved
   * @throws ModelException CORRUPT_WEIGHTS if the adapters' base is no longer what it was when it
   *     was loaded, BROKEN after half a checkpoint
   * @throws io.ballast.inference.api.NotFiniteException if a weight is not finite; named
   */
  public void save(Path folder, WeightType type, Path tokenizer, Map<String, String> notes)
      throws IOException {
    save(folder, trained.flat(), type, tokenizer, notes);
  }

  /**
   * The same with the average of the weights, or of the adapters' A and B.
   *
   * @throws IllegalStateException if none is kept
   */
  public void saveAverage(Path folder, WeightType type, Path tokenizer, Map<String, String> notes)
      throws IOException {
    save(folder, state.average(), type, tokenizer, notes);
  }

  private void save(
      Path folder, Tensor numbers, WeightType type, Path tokenizer, Map<String, String> notes)
      throws IOException {
    state.requireWhole();
    trained.requireSaveable(folder);
    DecoderFolder.save(
        folder,
        config,
        trained.contents(numbers, type).stream().map(FiniteNumbers::of).toList(),
        type,
        tokenizer,
        notes);
  }

  /** Returns a copy of the weights as they are, for a decoder that samples from them. */
  public WeightsSnapshot snapshot() {
    state.requireWhole();
    return trained == weights
        ? WeightsSnapshot.of(weights)
        : WeightsSnapshot.of(
            weights.layout(),
            weights.fullType(),
            trained.contents(trained.flat(), WeightType.FLOAT32));
  }

  /**
   * Returns a copy of the weights as they are, in 32 bits, that is told apart from others as the
   * folder is that {@link #save} would write. Closed by whoever took it.
   *
   * @param tokenizer a tokenizer.json, which stays where it is for as long as the copy is used
   * @throws ModelException CORRUPT_WEIGHTS if the adapters' base is no longer what it was when it
   *     was loaded, BROKEN after half a checkpoint, or if a weight is not finite
   */
  public DecoderCopy copy(Path tokenizer) throws IOException {
    state.requireWhole();
    trained.requireUnchanged();
    return DecoderCopy.of(
        weights.layout(), trained.contents(trained.flat(), WeightType.FLOAT32), tokenizer);
  }

  /**
   * Writes weights, optimiser state and average to one file, whole or not at all: one that is there
   * stays until the new one is.
   *
   * @param notes given back by {@link #restoreCheckpoint}, such as the position in the data
   * @throws IllegalArgumentException if a note has a name of the checkpoint's own, such as {@code
   *     steps}
   * @throws io.ballast.inference.api.NotFiniteException if a number is not finite; named
   */
  public void saveCheckpoint(Path file, Map<String, String> notes) throws IOException {
    state.save(file, notes);
  }

  /**
   * Goes on from a checkpoint: what follows equals, bit for bit, what would have followed then.
   *
   * @return what was noted when it was written
   * @throws ModelException INVALID_FOLDER if it is missing, or was written of another model, by
   *     other options, in another arithmetic, or on another base: what differs is named, and
   *     nothing has changed. BROKEN if the disk fails on the way: every use is refused then with
   *     BROKEN until another checkpoint is restored
   */
  public Map<String, String> restoreCheckpoint(Path file) {
    return state.restore(file);
  }

  TrainedWeights weights() {
    return weights;
  }

  Trained trained() {
    return trained;
  }

  AdamW optimizer() {
    return state.optimizer();
  }

  TrainingState state() {
    return state;
  }

  @Override
  public void close() {
    lanes.close();
    state.close();
    if (trained == weights) {
      rotary.close();
    }
  }
}
