package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * What the first blocks of a frozen decoder make of rows of tokens, for whoever trains the blocks
 * above: computed when it is first asked for, kept in 32 bits while it fits, else computed anew. A
 * row is a prompt with completions, as {@link PackedGroups} lays them. One thread at a time.
 *
 * <p>Shape letters: B rows, L tokens of the longest, D hidden size.
 */
public final class LowerStates implements AutoCloseable {
  private final Path folder;
  private final DecoderConfig config;
  private final int lowerBlocks;
  private final List<CompletionGroup> rows = new ArrayList<>();
  private final long mostBytes;
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final Map<Integer, Tensor> kept = new HashMap<>();
  private long keptBytes;

  private LowerStates(
      Path folder,
      DecoderConfig config,
      int upperBlocks,
      List<CompletionGroup> groups,
      long mostBytes) {
    TorchRuntime.prepare();
    this.folder = folder;
    this.config = config;
    this.lowerBlocks = config.layers() - upperBlocks;
    this.mostBytes = mostBytes;
    for (CompletionGroup group : groups) {
      CompletionGroup laid = withoutPrediction(group);
      PackedGroups.requireFits(laid, rows.size(), config);
      rows.add(laid);
    }
    this.weights =
        new TrainedWeights(ParameterLayout.lower(config, lowerBlocks), Arithmetic.FLOAT32, false);
    this.rotary = new RotaryTable(config, Arithmetic.FLOAT32.full());
  }

  /** A row leaves a completion's last token out, which predicts nothing; here all are seen. */
  private static CompletionGroup withoutPrediction(CompletionGroup group) {
    TokenIds unseen = TokenIds.of(0);
    return new CompletionGroup(
        group.prompt(), group.completions().stream().map(ids -> ids.concat(unseen)).toList());
  }

  /**
   * Reads the first blocks of a decoder.
   *
   * @param folder the decoder's Hugging Face folder
   * @param upperBlocks how many of its last blocks are left out, 1 to all
   * @param rows prompts with their completions; one may be longer than the context if no completion
   *     is, together with its prompt
   * @param mostBytes of states that are kept, ≥ 0
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   * @throws IllegalArgumentException if there are fewer blocks, or a row does not fit; named
   */
  public static LowerStates of(
      Path folder, int upperBlocks, List<CompletionGroup> rows, long mostBytes) {
    DecoderConfig config = DecoderFolder.verifiedConfig(folder);
    if (upperBlocks < 1 || upperBlocks > config.layers()) {
      throw new IllegalArgumentException(
          "own blocks: %d (expected: 1 to %d, the blocks of the trunk)"
              .formatted(upperBlocks, config.layers()));
    }
    LowerStates states = new LowerStates(folder, config, upperBlocks, rows, mostBytes);
    try {
      DecoderFolder.readInto(WeightFiles.open(folder), states.weights);
      return states;
    } catch (RuntimeException e) {
      states.close();
      throw e;
    }
  }

  /** Where the decoder lies. */
  Path folder() {
    return folder;
  }

  /** The shape of the whole decoder. */
  public DecoderConfig config() {
    return config;
  }

  /** The number of blocks that are computed here. */
  public int lowerBlocks() {
    return lowerBlocks;
  }

  /** Bytes of the states that are kept. */
  public long keptBytes() {
    return keptBytes;
  }

  /** A row, with a token behind each completion that nobody looks at. */
  CompletionGroup row(int index) {
    return rows.get(index);
  }

  RotaryTable rotary() {
    return rotary;
  }

  /**
   * Returns the residual stream of some rows, shape [B, L, D], 0 behind a row's end. The caller has
   * opened a scope.
   */
  Tensor residual(List<Integer> batch) {
    try (NoGradGuard off = new NoGradGuard()) {
      int longest =
          batch.stream().mapToInt(row -> PackedGroups.rowLength(rows.get(row))).max().orElseThrow();
      Tensor all =
          Tensors.zeros(Arithmetic.FLOAT32.full(), batch.size(), longest, config.hiddenSize());
      List<Integer> missing = batch.stream().filter(row -> !kept.containsKey(row)).toList();
      Tensor fresh = missing.isEmpty() ? all : compute(missing);
      for (int b = 0; b < batch.size(); b++) {
        int row = batch.get(b);
        int length = PackedGroups.rowLength(rows.get(row));
        int place = missing.indexOf(row);
        Tensor target = all.select(0, b).narrow(0, 0, length);
        if (place < 0) {
          target.copy_(Objects.requireNonNull(kept.get(row)));
        } else {
          Tensor state = fresh.select(0, place).narrow(0, 0, length);
          target.copy_(state);
          keep(row, state);
        }
      }
      return all;
    }
  }

  private Tensor compute(List<Integer> batch) {
    PackedGroups packed = new PackedGroups(batch.stream().map(rows::get).toList());
    return weights
        .network()
        .hidden(
            packed.ids(),
            rotary.at(packed.positions()),
            DecoderNetwork.withoutMemory(packed.mask(weights.fullType())));
  }

  private void keep(int row, Tensor state) {
    if (kept.containsKey(row) || keptBytes + state.nbytes() > mostBytes) {
      return;
    }
    Tensor copy = state.clone();
    copy.retainReference();
    kept.put(row, copy);
    keptBytes += copy.nbytes();
  }

  @Override
  public void close() {
    kept.values().forEach(Tensor::releaseReference);
    kept.clear();
    weights.close();
    rotary.close();
  }
}
