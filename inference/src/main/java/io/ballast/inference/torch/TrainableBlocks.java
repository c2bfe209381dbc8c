package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The last blocks of a decoder and its final norm in training, on first blocks that stay as they
 * are: what they make of a completion is its state at the last token and the mean over its tokens.
 *
 * <p>A unit is some rows of {@link LowerStates} whose loss is one. One thread at a time. The same
 * weights, rows, arithmetic and number of torch threads give the same numbers on the same machine.
 *
 * <p>Shape letters: B rows, L tokens of the longest, M completions, N their tokens, D hidden size.
 */
public final class TrainableBlocks implements AutoCloseable {
  /** Tokens of a micro-batch, padding included: enough to keep products efficient. */
  private static final int TOKEN_BUDGET = 2_560;

  private final LowerStates lower;
  private final TrainedWeights weights;
  private final AdamW optimizer;
  private final int width;

  private TrainableBlocks(LowerStates lower, OptimizerOptions options) {
    this.lower = lower;
    this.width = lower.config().hiddenSize();
    this.weights =
        new TrainedWeights(
            ParameterLayout.upper(lower.config(), lower.lowerBlocks()), Arithmetic.FLOAT32, true);
    this.optimizer = new AdamW(weights.flat(), options);
  }

  /**
   * Returns the blocks above {@code lower} with the decoder's own weights and a fresh optimiser.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be
   */
  public static TrainableBlocks above(LowerStates lower, OptimizerOptions options) {
    TrainableBlocks blocks = new TrainableBlocks(lower, options);
    try {
      DecoderFolder.readInto(WeightFiles.open(lower.folder()), blocks.weights);
      return blocks;
    } catch (RuntimeException e) {
      blocks.close();
      throw e;
    }
  }

  /**
   * Returns the states of the completions of units; changes nothing.
   *
   * @param units rows of each
   * @return shape [units][M of each][2·D]
   * @throws ModelException BROKEN if a number is not finite
   */
  public List<float[][]> states(List<List<Integer>> units) {
    float[][][] all = new float[units.size()][][];
    for (List<Integer> batch : batches(units)) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        put(all, batch, units, floats(forward(rows(batch, units))));
      }
    }
    return List.of(all);
  }

  /**
   * Adds the gradients of a loss over units to those collected since the last step.
   *
   * @param gradients called once for each unit, in no particular order
   * @throws ModelException BROKEN if a number is not finite. Nothing stays collected
   */
  public void forwardBackward(List<List<Integer>> units, StateGradientFunction gradients) {
    try {
      for (List<Integer> batch : batches(units)) {
        try (PointerScope scope = new PointerScope()) {
          Tensor states = forward(rows(batch, units));
          float[][][] all = new float[units.size()][][];
          put(all, batch, units, floats(states));
          float[] byStates = new float[(int) states.numel()];
          int at = 0;
          for (int unit : batch) {
            for (float[] of : gradients.gradients(unit, all[unit])) {
              System.arraycopy(of, 0, byStates, at, of.length);
              at += of.length;
            }
          }
          states.backward(
              Tensors.of(byStates, states.size(0), states.size(1)),
              new BoolOptional(),
              false,
              new TensorArrayRefOptional());
          weights.collectGradients();
        }
      }
    } catch (RuntimeException e) {
      weights.clearGradients();
      throw e;
    }
  }

  /**
   * Takes one AdamW step down the gradients collected, and forgets them.
   *
   * @param learningRate ≥ 0
   * @return the gradient's Euclidean norm before clipping
   * @throws ModelException BROKEN if it is not finite: the weights have not changed
   */
  public double optimizerStep(double learningRate) {
    try (PointerScope scope = new PointerScope()) {
      return optimizer.step(weights, learningRate);
    }
  }

  /** Returns a copy of the weights as they are, to go back to. */
  public WeightsSnapshot snapshot() {
    return WeightsSnapshot.of(weights);
  }

  /** Goes back to weights of these blocks. */
  public void restore(WeightsSnapshot snapshot) {
    snapshot.copyTo(weights);
  }

  /** Writes the blocks in 32 bits, each tensor under its name in the decoder's folder. */
  public void save(Path file) throws IOException {
    SafetensorsFile.write(
        file,
        DecoderFolder.contents(weights.layout(), weights.flat(), WeightType.FLOAT32),
        Map.of("format", "pt"));
  }

  /** States of the completions of rows, in their order, shape [M, 2·D]. */
  private Tensor forward(List<Integer> rows) {
    PackedGroups packed = new PackedGroups(rows.stream().map(lower::row).toList());
    DecoderNetwork network = weights.network();
    Tensor residual =
        network.through(
            lower.residual(rows),
            lower.rotary().at(packed.positions()),
            DecoderNetwork.withoutMemory(packed.mask(weights.fullType())),
            Products.atOnce());
    Places places = places(rows, residual.size(1));
    Tensor own =
        network.normalized(
            residual.reshape(-1, width).index_select(0, Tensors.of(places.tokens())));
    Tensor last = own.index_select(0, Tensors.of(places.ends()));
    return torch.cat(new TensorVector(last, torch.matmul(means(places.ends()), own)), 1);
  }

  /** Where the completions' tokens lie in [B · L], and where in [N] each completion ends. */
  private record Places(List<Long> tokens, List<Long> ends) {}

  private Places places(List<Integer> rows, long length) {
    List<Long> tokens = new ArrayList<>();
    List<Long> ends = new ArrayList<>();
    for (int b = 0; b < rows.size(); b++) {
      CompletionGroup row = lower.row(rows.get(b));
      long at = b * length + row.prompt().size();
      for (TokenIds completion : row.completions()) {
        for (int t = 0; t < completion.size() - 1; t++) {
          tokens.add(at++);
        }
        ends.add(tokens.size() - 1L);
      }
    }
    return new Places(tokens, ends);
  }

  /** A matrix [M, N] that takes the mean over each completion's tokens. */
  private static Tensor means(List<Long> ends) {
    int tokens = (int) (ends.getLast() + 1);
    float[] means = new float[ends.size() * tokens];
    int from = 0;
    for (int m = 0; m < ends.size(); m++) {
      int to = (int) (ends.get(m) + 1);
      Arrays.fill(means, m * tokens + from, m * tokens + to, 1f / (to - from));
      from = to;
    }
    return Tensors.of(means, ends.size(), tokens);
  }

  private float[] floats(Tensor states) {
    float[] values = Tensors.floats(states);
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new ModelException(Reason.BROKEN, "state: " + value + " (expected: finite)");
      }
    }
    return values;
  }

  private void put(
      float[][][] all, List<Integer> batch, List<List<Integer>> units, float[] values) {
    int at = 0;
    for (int unit : batch) {
      int completions = units.get(unit).stream().mapToInt(row -> lower.row(row).size()).sum();
      all[unit] = new float[completions][];
      for (int m = 0; m < completions; m++) {
        all[unit][m] = Arrays.copyOfRange(values, at, at + 2 * width);
        at += 2 * width;
      }
    }
  }

  private static List<Integer> rows(List<Integer> batch, List<List<Integer>> units) {
    return batch.stream().flatMap(unit -> units.get(unit).stream()).toList();
  }

  /** Sorts units into micro-batches, similar lengths together; a unit is never cut. */
  private List<List<Integer>> batches(List<List<Integer>> units) {
    int[] longest =
        units.stream()
            .mapToInt(
                rows ->
                    rows.stream()
                        .mapToInt(row -> PackedGroups.rowLength(lower.row(row)))
                        .max()
                        .orElseThrow())
            .toArray();
    List<List<Integer>> batches = new ArrayList<>();
    List<Integer> batch = new ArrayList<>();
    int rows = 0;
    List<Integer> order =
        IntStream.range(0, units.size())
            .boxed()
            .sorted(Comparator.comparingInt(unit -> longest[unit]))
            .toList();
    for (int unit : order) {
      int more = units.get(unit).size();
      if (!batch.isEmpty() && (rows + more) * longest[unit] > TOKEN_BUDGET) {
        batches.add(batch);
        batch = new ArrayList<>();
        rows = 0;
      }
      batch.add(unit);
      rows += more;
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }

  @Override
  public void close() {
    optimizer.close();
    weights.close();
  }
}
