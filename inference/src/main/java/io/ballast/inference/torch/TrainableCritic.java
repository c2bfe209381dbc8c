package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/**
 * A critic with a trunk of its own, in training: Vᵗ = w·hᵗ + b, where hᵗ is its state from which
 * token t would be predicted. It begins as a reward model: w is the row of one of a sequence
 * classifier's labels and b is 0, so that at first a value is the score of the text before its
 * token.
 *
 * <p>One thread at a time. Source: Ouyang et al. 2022, appendix C, arXiv:2203.02155; Zheng et al.
 * 2023 (PPO-max), trick 8, arXiv:2307.04964.
 */
public final class TrainableCritic implements AutoCloseable {
  private final DecoderConfig config;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final TrainingState state;

  private TrainableCritic(TrainedWeights weights, RotaryTable rotary, TrainingState state) {
    this.config = weights.layout().config();
    this.weights = weights;
    this.rotary = rotary;
    this.state = state;
  }

  /**
   * What a folder would be a critic of.
   *
   * @param config the trunk's shape
   * @param labels how many there are to begin from
   */
  public record Description(DecoderConfig config, int labels) {
    /** Numbers in training. */
    public long parameterCount() {
      return config.parameterCount() + config.hiddenSize() + 1;
    }
  }

  /**
   * Reads what a folder says of itself; its weights are not looked at.
   *
   * @throws ModelException INVALID_FOLDER if it is no sequence classifier of a known family
   */
  public static Description describe(Path folder) {
    ClassifierShape shape = ClassifierShape.read(folder);
    return new Description(shape.config(), shape.labels());
  }

  /**
   * Reads a sequence classifier's folder.
   *
   * @param label whose score is the first value, ≥ 0, below the classifier's labels
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be;
   *     CORRUPT_WEIGHTS if a checksum differs, or a weight is not finite
   */
  public static TrainableCritic load(
      Path folder, int label, Arithmetic arithmetic, OptimizerOptions options) {
    ClassifierShape shape = ClassifierShape.verified(folder);
    var unused = Objects.checkIndex(label, shape.labels());
    TorchRuntime.prepare();
    try (Opening opening = new Opening()) {
      TrainedWeights weights =
          opening.part(
              new TrainedWeights(new ParameterLayout(shape.config(), true), arithmetic, true),
              TrainedWeights::close);
      RotaryTable rotary =
          opening.part(new RotaryTable(shape.config(), arithmetic.full()), RotaryTable::close);
      WeightFiles files = WeightFiles.open(folder);
      float[] scores = shape.scores(files, weights.layout());
      DecoderFolder.readInto(files, weights);
      writeHead(weights, scores, label);
      TrainingState state = TrainingState.of(weights, TrainingOptions.of(options));
      opening.done();
      return new TrainableCritic(weights, rotary, state);
    }
  }

  private static void writeHead(TrainedWeights weights, float[] scores, int label) {
    int width = weights.layout().config().hiddenSize();
    float[] row = Arrays.copyOfRange(scores, label * width, (label + 1) * width);
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      weights.write(
          weights.layout().critic().orElseThrow().weight().offset(), Tensors.first(row, width));
      weights.changed();
    }
  }

  /** The trunk's shape. */
  public DecoderConfig config() {
    return config;
  }

  TrainingState state() {
    return state;
  }

  /**
   * Returns the value of each token of each group's completions, of the prompt and the tokens
   * before it, shape [B][G][T of each]; changes nothing.
   *
   * @throws IllegalArgumentException if a completion does not fit the trunk, named
   * @throws NotFiniteException if a value is not finite
   */
  List<List<PerToken>> values(List<CompletionGroup> groups) {
    requireFit(groups);
    Map<Integer, List<PerToken>> values = new HashMap<>();
    for (List<Integer> batch : PackedGroups.batches(groups, GroupComputation.TOKEN_BUDGET)) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        PackedGroups packed = new PackedGroups(batch.stream().map(groups::get).toList());
        float[] numbers =
            packed.predicted() == 0 ? new float[0] : Tensors.floats(head().values(states(packed)));
        requireFinite(numbers);
        List<List<PerToken>> ofGroups = packed.split(numbers);
        for (int b = 0; b < batch.size(); b++) {
          values.put(batch.get(b), ofGroups.get(b));
        }
      }
    }
    return IntStream.range(0, groups.size())
        .mapToObj(i -> Objects.requireNonNull(values.get(i)))
        .toList();
  }

  private static void requireFinite(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new NotFiniteException("value: " + value + " (expected: finite)");
      }
    }
  }

  /**
   * Adds the gradients of Σ u·V to those collected since the last step.
   *
   * @param byValues u, shape [G][T of each], by the index of its group; an empty list: none
   * @throws IllegalArgumentException if one is not finite or of another shape, named
   */
  void backward(List<CompletionGroup> groups, Map<Integer, List<PerToken>> byValues) {
    requireFit(groups);
    for (List<Integer> batch : PackedGroups.batches(groups, GroupComputation.TOKEN_BUDGET)) {
      try (PointerScope scope = new PointerScope()) {
        PackedGroups packed = new PackedGroups(batch.stream().map(groups::get).toList());
        GivenGradients given = new GivenGradients(packed.predicted(), true);
        for (int index : batch) {
          CompletionGroup group = groups.get(index);
          given.add(
              index,
              group,
              new TokenGradients(
                  nothing(group), List.of(), byValues.getOrDefault(index, List.of())));
        }
        Tensor byValue = given.byValues(weights.fullType());
        if (byValue != null && packed.predicted() > 0) {
          Tensor states = states(packed);
          Tensor byState = head().backward(states.detach(), byValue);
          states.backward(
              byState.to(states.scalar_type()),
              new BoolOptional(),
              false,
              new TensorArrayRefOptional());
          weights.collectGradients();
        }
      }
    }
  }

  private static List<PerToken> nothing(CompletionGroup group) {
    return group.completions().stream()
        .map(TokenIds::size)
        .map(size -> PerToken.of(new float[size]))
        .toList();
  }

  /**
   * Looks at the gradients collected.
   *
   * @throws NotFiniteException if their norm is not finite: a step would refuse it
   */
  void requireFiniteGradient() {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      double norm = weights.flatGradients().norm().item_double();
      if (!Double.isFinite(norm)) {
        throw new NotFiniteException(
            "gradient norm of the critic: " + norm + " (expected: finite)");
      }
    }
  }

  /** Takes one AdamW step, on the gradient clipped by its own norm, which is returned. */
  double step(double learningRate) {
    try (PointerScope scope = new PointerScope()) {
      return state.step(learningRate);
    }
  }

  /** Forgets the gradients collected since the last step. */
  void clearGradients() {
    weights.clearGradients();
  }

  private ValueHead head() {
    return weights.critic().orElseThrow();
  }

  private Tensor states(PackedGroups packed) {
    return GroupComputation.headInput(weights, rotary, weights.products(), packed);
  }

  private void requireFit(List<CompletionGroup> groups) {
    for (int i = 0; i < groups.size(); i++) {
      PackedGroups.requireFits(groups.get(i), i, config);
    }
  }

  @Override
  public void close() {
    state.close();
    rotary.close();
  }
}
