package io.ballast.loadtest.bench;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A Llama decoder as somebody would write it for one shape and one batch: libtorch calls in a row,
 * no queue, no rows that come and go, no checks. It computes what the engine computes, in the same
 * numbers (32-bit weights, norms, attention, losses; products as said) and as well tuned: joined
 * matrices, one flat optimiser step, the softmax in pieces that stay in the cache.
 *
 * <p>The baseline of the decode and training figures: what the engine costs beside it is overhead.
 */
final class BareLlama implements AutoCloseable {
  private static final long PIECE_ROWS = 256;

  private final BareWeights weights;
  private final BareAdamW optimizer;

  /**
   * Loads the weights of a Hugging Face folder whose head is tied to its embedding.
   *
   * @param arithmetic the engine's
   */
  BareLlama(Path folder, Arithmetic arithmetic) {
    this.weights = new BareWeights(folder, arithmetic);
    this.optimizer = new BareAdamW(weights);
  }

  /** Keys and values of earlier tokens. */
  private interface Memory {
    Tensor attend(int layer, Tensor query, Tensor key, Tensor value);
  }

  DecoderConfig config() {
    return weights.config;
  }

  private Tensor hidden(Tensor ids, Tensor cos, Tensor sin, Memory memory) {
    Tensor x = torch.embedding(weights.embedding, ids);
    long rows = ids.size(0);
    long tokens = ids.size(1);
    for (int i = 0; i < weights.layers; i++) {
      Tensor projected =
          torch
              .linear(norm(x, weights.attentionNorm.get(i)), weights.qkv.get(i))
              .view(rows, tokens, weights.heads + 2 * weights.keyHeads, weights.size);
      Tensor straight = projected.narrow(2, 0, weights.heads + weights.keyHeads);
      Tensor swapped =
          torch.cat(
              new TensorVector(
                  straight.narrow(-1, weights.size / 2, weights.size / 2),
                  straight.narrow(-1, 0, weights.size / 2)),
              -1);
      Tensor rotated = straight.mul(cos).add(swapped.mul(sin));
      Tensor attended =
          memory.attend(
              i,
              rotated.narrow(2, 0, weights.heads).transpose(1, 2),
              rotated.narrow(2, weights.heads, weights.keyHeads).transpose(1, 2),
              projected
                  .narrow(2, weights.heads + weights.keyHeads, weights.keyHeads)
                  .to(ScalarType.Float)
                  .transpose(1, 2));
      x =
          x.add(
              torch.linear(
                  attended
                      .transpose(1, 2)
                      .reshape(rows, tokens, weights.heads * weights.size)
                      .to(weights.product),
                  weights.output.get(i)));
      Tensor wide = torch.linear(norm(x, weights.feedForwardNorm.get(i)), weights.gateUp.get(i));
      x =
          x.add(
              torch.linear(
                  torch
                      .silu(wide.narrow(-1, 0, weights.inner))
                      .mul(wide.narrow(-1, weights.inner, weights.inner)),
                  weights.down.get(i)));
    }
    return x;
  }

  private Tensor norm(Tensor x, Tensor weight) {
    Tensor scale =
        x.mul(x)
            .mean(new long[] {-1}, true, new ScalarTypeOptional())
            .add(new Scalar(weights.config.rmsNormEpsilon()))
            .rsqrt();
    return x.mul(scale).mul(weight).to(weights.product);
  }

  private Tensor attend(Tensor query, Tensor key, Tensor value, boolean causal) {
    return torch.scaled_dot_product_attention(
        query,
        repeated(key),
        repeated(value),
        new TensorOptional(),
        0.0,
        causal,
        new DoubleOptional(),
        false);
  }

  private Tensor repeated(Tensor x) {
    long times = weights.heads / weights.keyHeads;
    if (times == 1) {
      return x;
    }
    return x.unsqueeze(2)
        .expand(x.size(0), weights.keyHeads, times, x.size(2), weights.size)
        .reshape(x.size(0), weights.heads, x.size(2), weights.size);
  }

  /**
   * One step of AdamW on the cross-entropy of each row's next tokens.
   *
   * @param rows shape [B][T + 1]
   * @return the mean loss before the step, in nats a token
   */
  double trainStep(int[][] rows, double learningRate) {
    return trainStep(rows, 0, learningRate);
  }

  /**
   * The same on what each row goes on with.
   *
   * @param first the first token that predicts another which is learned, ≥ 0
   */
  double trainStep(int[][] rows, int first, double learningRate) {
    try (PointerScope scope = new PointerScope()) {
      int length = rows[0].length - 1;
      Tensor residual =
          hidden(
              BareTensors.flat(rows, 0, length).view(rows.length, length),
              weights.cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              weights.sine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              (layer, query, key, value) -> attend(query, key, value, true));
      Tensor predicting = residual.narrow(1, first, length - first).reshape(-1, weights.hidden);
      Tensor input = norm(predicting, weights.finalNorm).contiguous();
      double loss;
      Tensor byInput;
      try (NoGradGuard off = new NoGradGuard()) {
        Tensor targets = BareTensors.flat(rows, first + 1, length - first);
        TensorVector pieces = new TensorVector();
        long count = input.size(0);
        double sum = 0;
        for (long from = 0; from < count; from += PIECE_ROWS) {
          long piece = Math.min(PIECE_ROWS, count - from);
          Tensor in = input.narrow(0, from, piece);
          Tensor target = targets.narrow(0, from, piece).unsqueeze(1);
          Tensor all = torch.log_softmax(torch.linear(in, weights.head).to(ScalarType.Float), 1);
          sum -= all.gather(1, target).sum().item_double();
          Tensor byLogit = all.exp_().mul_(new Scalar(1.0 / count));
          byLogit.scatter_add_(
              1,
              target,
              torch.full(
                  new long[] {piece, 1},
                  new Scalar(-1.0 / count),
                  new TensorOptions(ScalarType.Float)));
          Tensor narrow = byLogit.to(weights.product);
          weights.headGradient.add_(narrow.t().mm(in), new Scalar(1.0));
          pieces.push_back(narrow.mm(weights.head));
        }
        loss = sum / count;
        byInput = torch.cat(pieces, 0);
      }
      input.backward(byInput, new BoolOptional(), false, new TensorArrayRefOptional());
      optimizer.step(learningRate);
      return loss;
    }
  }

  /**
   * Continues prompts of one length, one token a row at a time, from the whole distribution at
   * temperature 1 or, {@code greedy}, by its likeliest token; and reads each token with its
   * log-probability, as the engine does.
   *
   * @param prompts shape [P][T]; each is computed once
   * @param copies completions of each prompt, G
   * @return shape [P · G][{@code count}]
   */
  long[][] decode(int[][] prompts, int copies, int count, boolean greedy) {
    int rows = prompts.length * copies;
    int start = prompts[0].length;
    long[][] drawn = new long[rows][count];
    try (PointerScope outer = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      List<Tensor> keys = new ArrayList<>();
      List<Tensor> values = new ArrayList<>();
      for (int i = 0; i < weights.layers; i++) {
        keys.add(
            BareTensors.zeros(
                ScalarType.Float, rows, weights.keyHeads, start + count, weights.size));
        values.add(
            BareTensors.zeros(
                ScalarType.Float, rows, weights.keyHeads, start + count, weights.size));
      }
      long[] next = prefill(prompts, copies, keys, values, greedy);
      for (int t = 0; t < count; t++) {
        for (int b = 0; b < rows; b++) {
          drawn[b][t] = next[b];
        }
        if (t + 1 < count) {
          next = step(next, start + t, keys, values, greedy);
        }
      }
    }
    return drawn;
  }

  private long[] prefill(
      int[][] prompts, int copies, List<Tensor> keys, List<Tensor> values, boolean greedy) {
    int length = prompts[0].length;
    long[] sources = new long[prompts.length * copies];
    for (int b = 0; b < sources.length; b++) {
      sources[b] = b / copies;
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor source = BareTensors.longs(sources, sources.length);
      Tensor residual =
          hidden(
              BareTensors.all(prompts).view(prompts.length, length),
              weights.cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              weights.sine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              (layer, query, key, value) -> {
                keys.get(layer).narrow(2, 0, length).copy_(key.index_select(0, source));
                values.get(layer).narrow(2, 0, length).copy_(value.index_select(0, source));
                return attend(query, key, value, true);
              });
      return draw(logits(residual.select(1, length - 1)).index_select(0, source), greedy);
    }
  }

  private long[] step(
      long[] tokens, int position, List<Tensor> keys, List<Tensor> values, boolean greedy) {
    try (PointerScope scope = new PointerScope()) {
      Tensor residual =
          hidden(
              BareTensors.longs(tokens, tokens.length, 1),
              weights.cosine.narrow(0, position, 1).unsqueeze(0).unsqueeze(2),
              weights.sine.narrow(0, position, 1).unsqueeze(0).unsqueeze(2),
              (layer, query, key, value) -> {
                keys.get(layer).narrow(2, position, 1).copy_(key);
                values.get(layer).narrow(2, position, 1).copy_(value);
                return attend(
                    query,
                    keys.get(layer).narrow(2, 0, position + 1),
                    values.get(layer).narrow(2, 0, position + 1),
                    false);
              });
      return draw(logits(residual.select(1, 0)), greedy);
    }
  }

  private Tensor logits(Tensor residual) {
    return torch
        .linear(norm(residual, weights.finalNorm).contiguous(), weights.head)
        .to(ScalarType.Float);
  }

  private static long[] draw(Tensor logits, boolean greedy) {
    Tensor logProbs = torch.log_softmax(logits, 1);
    Tensor drawn;
    if (greedy) {
      drawn = torch.argmax(logProbs, new LongOptional(1), true);
    } else {
      Tensor sums = logProbs.exp().cumsum(1);
      Tensor at = torch.rand(logits.size(0), 1).mul(sums.narrow(1, sums.size(1) - 1, 1));
      drawn = torch.searchsorted(sums, at).clamp_max(new Scalar(sums.size(1) - 1));
    }
    int rows = (int) logits.size(0);
    float[] chosen = new float[rows];
    new FloatPointer(logProbs.gather(1, drawn).contiguous().data_ptr()).get(chosen);
    long[] ids = new long[rows];
    new LongPointer(drawn.contiguous().data_ptr()).get(ids);
    for (float logProb : chosen) {
      if (!Float.isFinite(logProb)) {
        throw new IllegalStateException("log-probability: " + logProb);
      }
    }
    return ids;
  }

  @Override
  public void close() {
    weights.close();
  }
}
