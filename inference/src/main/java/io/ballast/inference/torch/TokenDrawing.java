package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Draws the next token of many rows from their logits. For one thread, inside a {@link
 * org.bytedeco.javacpp.PointerScope} of the caller's.
 *
 * <p>Shape letters: B rows, V vocabulary.
 */
final class TokenDrawing {
  private final int vocabularySize;
  private final Sampler sampler = new Sampler();
  private final float[] weights;

  /**
   * Draws for one model.
   *
   * @param vocabularySize the ids that the tokenizer knows; the model may have more, which are
   *     never drawn
   */
  TokenDrawing(int vocabularySize) {
    this.vocabularySize = vocabularySize;
    this.weights = new float[vocabularySize];
  }

  /** What came of drawing for one row. */
  sealed interface Drawn {
    /**
     * A token.
     *
     * @param logProb under the model at temperature 1
     */
    record Token(Sampler.Draw draw, float logProb) implements Drawn {}

    /** There was nothing that could be drawn. */
    record Nothing(ModelException why) implements Drawn {}

    /** The row's logits are not all finite, so what it has of the model may not be either. */
    record Spoiled() implements Drawn {}
  }

  /**
   * Draws a token for each of {@code rows} from its row of logits. The rows' random sources go on;
   * nothing else happens to them.
   *
   * @param logitsOfRows shape [B, V], float; what the rows' options make of them is written there
   * @return in the order of the rows
   */
  List<Drawn> draw(Tensor logitsOfRows, List<DecodeRow> rows) {
    Tensor logits = logitsOfRows.contiguous();
    int count = rows.size();
    int width = (int) logits.size(1);
    float[] sums = Tensors.floats(logits.sum(new long[] {1}, false, Tensors.sameType()));
    Tensor logProbs = torch.log_softmax(logits, 1);
    boolean adjusted = adjust(logits, rows, width);
    Weights source = new Weights(logits, adjusted ? null : logProbs, rows, width);
    List<Drawn> drawn = new ArrayList<>();
    long[] ids = new long[count];
    for (int b = 0; b < count; b++) {
      Drawn one = Float.isFinite(sums[b]) ? drawOne(rows.get(b), source, b) : new Drawn.Spoiled();
      drawn.add(one);
      ids[b] = one instanceof Drawn.Token(Sampler.Draw draw, float _) ? draw.tokenId() : 0;
    }
    float[] chosen = Tensors.floats(logProbs.gather(1, Tensors.of(ids, count, 1)));
    for (int b = 0; b < count; b++) {
      if (drawn.get(b) instanceof Drawn.Token(Sampler.Draw draw, float _)) {
        drawn.set(b, new Drawn.Token(draw, chosen[b]));
      }
    }
    return drawn;
  }

  /** Where the weights of rows are read from, each row once. */
  private final class Weights {
    private final Tensor logits;
    private final @Nullable Tensor logProbs;
    private final List<DecodeRow> rows;
    private final int width;
    private @Nullable Tensor probabilities;

    Weights(Tensor logits, @Nullable Tensor logProbs, List<DecodeRow> rows, int width) {
      this.logits = logits;
      this.logProbs = logProbs;
      this.rows = rows;
      this.width = width;
    }

    void readLogits(int row) {
      read(logits, row);
    }

    /** Computed for all rows when one is first asked for: under constraints none may be. */
    void readProbabilities(int row) {
      Tensor known = probabilities;
      if (known == null) {
        known = tempered(logits, logProbs, rows).contiguous();
        probabilities = known;
      }
      read(known, row);
    }

    private void read(Tensor tensor, int row) {
      new FloatPointer(tensor.data_ptr())
          .position((long) row * width)
          .get(weights, 0, vocabularySize);
    }
  }

  private Drawn drawOne(DecodeRow row, Weights source, int index) {
    try {
      BitSet allowed = row.allowed();
      if (allowed == null) {
        source.readProbabilities(index);
      } else {
        source.readLogits(index);
        weigh(allowed, row.sampling().temperature());
      }
      return new Drawn.Token(
          sampler.draw(weights, 0, vocabularySize, row.sampling(), row.random()), Float.NaN);
    } catch (ModelException e) {
      return new Drawn.Nothing(e);
    }
  }

  /**
   * Makes weights of one row's logits, the likeliest of those allowed weighing 1 and the others 0.
   * Probabilities would not do: those of all that is allowed may have underflowed.
   */
  private void weigh(BitSet allowed, double temperature) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int id = allowed.nextSetBit(0); id >= 0; id = allowed.nextSetBit(id + 1)) {
      largest = Math.max(largest, weights[id]);
    }
    double scale = temperature == 0 ? 1 : 1 / temperature;
    boolean none = largest == Float.NEGATIVE_INFINITY;
    int next = none ? -1 : allowed.nextSetBit(0);
    for (int id = 0; id < vocabularySize; id++) {
      if (id == next) {
        weights[id] = (float) Math.exp((weights[id] - largest) * scale);
        next = allowed.nextSetBit(id + 1);
      } else {
        weights[id] = 0;
      }
    }
  }

  /** Writes into the logits what the rows' options make of them; tells whether any does. */
  private static boolean adjust(Tensor logits, List<DecodeRow> rows, int width) {
    int size = 0;
    for (DecodeRow row : rows) {
      LogitAdjustment adjustment = row.adjustment();
      size += adjustment == null ? 0 : adjustment.size();
    }
    if (size == 0) {
      return false;
    }
    long[] places = new long[size];
    int at = 0;
    for (int b = 0; b < rows.size(); b++) {
      LogitAdjustment adjustment = rows.get(b).adjustment();
      for (int slot = 0; adjustment != null && slot < adjustment.size(); slot++) {
        places[at++] = (long) b * width + adjustment.id(slot);
      }
    }
    Tensor place = Tensors.of(places, size);
    float[] values = Tensors.floats(logits.view(-1).index_select(0, place));
    at = 0;
    for (DecodeRow row : rows) {
      LogitAdjustment adjustment = row.adjustment();
      for (int slot = 0; adjustment != null && slot < adjustment.size(); slot++, at++) {
        values[at] = adjustment.adjusted(slot, values[at]);
      }
    }
    logits.view(-1).index_copy_(0, place, Tensors.of(values, size));
    return true;
  }

  /**
   * Returns each row's probabilities at its own temperature, shape [B, V].
   *
   * @param logProbs at temperature 1, if they are known
   */
  private static Tensor tempered(Tensor logits, @Nullable Tensor logProbs, List<DecodeRow> rows) {
    float[] temperatures = new float[rows.size()];
    boolean plain = true;
    for (int b = 0; b < temperatures.length; b++) {
      double temperature = rows.get(b).sampling().temperature();
      temperatures[b] = temperature == 0 ? 1 : (float) temperature;
      plain &= temperatures[b] == 1;
    }
    if (plain) {
      return logProbs == null ? torch.softmax(logits, 1) : logProbs.exp();
    }
    return torch.softmax(logits.div(Tensors.of(temperatures, temperatures.length, 1)), 1);
  }
}
