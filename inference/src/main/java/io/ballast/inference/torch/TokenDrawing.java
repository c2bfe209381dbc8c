package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntConsumer;
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
  private final int contextTokens;
  private final Sampler sampler = new Sampler();
  private final float[] weights;

  /**
   * Draws for one model.
   *
   * @param vocabularySize the ids that the tokenizer knows; the model may have more, which are
   *     never drawn
   */
  TokenDrawing(int vocabularySize, int contextTokens) {
    this.vocabularySize = vocabularySize;
    this.weights = new float[vocabularySize];
    this.contextTokens = contextTokens;
  }

  /**
   * Draws a token for each of {@code rows} from its row of logits. A row that cannot be drawn from
   * fails alone.
   *
   * @param logitsOfRows shape [B, V], float; what the rows' options make of them is written there
   * @param spoiled told the index of each row whose logits are not all finite, before it fails
   */
  void draw(Tensor logitsOfRows, List<DecodeRow> rows, IntConsumer spoiled) {
    Tensor logits = logitsOfRows.contiguous();
    int count = rows.size();
    int width = (int) logits.size(1);
    float[] sums = Tensors.floats(logits.sum(new long[] {1}, false, Tensors.sameType()));
    Tensor logProbs = torch.log_softmax(logits, 1);
    boolean adjusted = adjust(logits, rows, width);
    Weights source = new Weights(logits, adjusted ? null : logProbs, rows, width);
    Sampler.@Nullable Draw[] draws = new Sampler.Draw[count];
    long[] drawn = new long[count];
    for (int b = 0; b < count; b++) {
      if (!Float.isFinite(sums[b])) {
        spoiled.accept(b);
        rows.get(b).fail(new ModelException(Reason.BROKEN, "logits: not all are finite"));
        continue;
      }
      Sampler.Draw draw = drawOne(rows.get(b), source, b);
      draws[b] = draw;
      drawn[b] = draw == null ? 0 : draw.tokenId();
    }
    float[] chosen = Tensors.floats(logProbs.gather(1, Tensors.of(drawn, count, 1)));
    for (int b = 0; b < count; b++) {
      Sampler.Draw draw = draws[b];
      if (draw != null) {
        rows.get(b).accept(draw, chosen[b], contextTokens);
      }
    }
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

  private Sampler.@Nullable Draw drawOne(DecodeRow row, Weights source, int index) {
    try {
      BitSet allowed = row.allowed();
      if (allowed == null) {
        source.readProbabilities(index);
      } else {
        source.readLogits(index);
        weigh(allowed, row.sampling().temperature());
      }
      return sampler.draw(weights, 0, vocabularySize, row.sampling(), row.random());
    } catch (ModelException e) {
      row.fail(e);
      return null;
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
