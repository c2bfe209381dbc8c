package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
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
  private final int endOfTextId;
  private final int contextTokens;
  private float[] probabilities = new float[0];

  /**
   * Draws for one model.
   *
   * @param vocabularySize the ids that the tokenizer knows; the model may have more, which are
   *     never drawn
   */
  TokenDrawing(int vocabularySize, int endOfTextId, int contextTokens) {
    this.vocabularySize = vocabularySize;
    this.endOfTextId = endOfTextId;
    this.contextTokens = contextTokens;
  }

  /**
   * Draws a token for each of {@code rows} from its row of logits. A row that cannot be drawn from
   * fails alone.
   *
   * @param logits shape [B, V], float
   * @param spoiled told the index of each row whose logits are not all finite, before it fails
   */
  void draw(Tensor logits, List<DecodeRow> rows, IntConsumer spoiled) {
    int count = rows.size();
    int width = (int) logits.size(1);
    float[] sums = Tensors.floats(logits.sum(new long[] {1}, false, Tensors.sameType()));
    Tensor logProbs = torch.log_softmax(logits, 1);
    read(tempered(logits, logProbs, rows), count * width);
    Sampler.@Nullable Draw[] draws = new Sampler.Draw[count];
    long[] drawn = new long[count];
    for (int b = 0; b < count; b++) {
      if (!Float.isFinite(sums[b])) {
        spoiled.accept(b);
        rows.get(b).fail(new ModelException(Reason.BROKEN, "logits: not all are finite"));
        continue;
      }
      Sampler.Draw draw = drawOne(rows.get(b), b * width);
      draws[b] = draw;
      drawn[b] = draw == null ? 0 : draw.tokenId();
    }
    float[] chosen = Tensors.floats(logProbs.gather(1, Tensors.of(drawn, count, 1)));
    for (int b = 0; b < count; b++) {
      Sampler.Draw draw = draws[b];
      if (draw != null) {
        rows.get(b).accept(draw, chosen[b], endOfTextId, contextTokens);
      }
    }
  }

  private Sampler.@Nullable Draw drawOne(DecodeRow row, int from) {
    try {
      return row.draw(probabilities, from, vocabularySize);
    } catch (ModelException e) {
      row.fail(e);
      return null;
    }
  }

  /** Returns each row's probabilities at its own temperature, shape [B, V]. */
  private static Tensor tempered(Tensor logits, Tensor logProbs, List<DecodeRow> rows) {
    float[] temperatures = new float[rows.size()];
    boolean plain = true;
    for (int b = 0; b < temperatures.length; b++) {
      double temperature = rows.get(b).temperature();
      temperatures[b] = temperature == 0 ? 1 : (float) temperature;
      plain &= temperatures[b] == 1;
    }
    if (plain) {
      return logProbs.exp();
    }
    return torch.softmax(logits.div(Tensors.of(temperatures, temperatures.length, 1)), 1);
  }

  private void read(Tensor tensor, int count) {
    if (probabilities.length < count) {
      probabilities = new float[count];
    }
    new FloatPointer(tensor.contiguous().data_ptr()).get(probabilities, 0, count);
  }
}
