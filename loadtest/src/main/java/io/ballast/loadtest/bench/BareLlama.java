package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
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
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.95;
  private static final double EPSILON = 1e-8;
  private static final double DECAY = 0.05;

  private final DecoderConfig config;
  private final boolean twoTypes;
  private final ScalarType product;
  private final long layers;
  private final long heads;
  private final long keyHeads;
  private final long size;
  private final long hidden;
  private final long inner;

  private final Tensor master;
  private final Tensor gradients;
  private final Tensor products;
  private final Tensor productGradients;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private final Tensor embedding;
  private final Tensor head;
  private final Tensor headGradient;
  private final Tensor finalNorm;
  private final List<Tensor> qkv = new ArrayList<>();
  private final List<Tensor> output = new ArrayList<>();
  private final List<Tensor> gateUp = new ArrayList<>();
  private final List<Tensor> down = new ArrayList<>();
  private final List<Tensor> attentionNorm = new ArrayList<>();
  private final List<Tensor> feedForwardNorm = new ArrayList<>();
  private final Tensor cosine;
  private final Tensor sine;
  private final List<Tensor> kept = new ArrayList<>();
  private final long matrixNumbers;
  private long steps;

  /**
   * Loads the weights of a Hugging Face folder whose head is tied to its embedding.
   *
   * @param arithmetic the engine's
   */
  BareLlama(Path folder, Arithmetic arithmetic) {
    twoTypes = arithmetic == Arithmetic.BFLOAT16_PRODUCTS;
    product = twoTypes ? ScalarType.BFloat16 : ScalarType.Float;
    config = DecoderConfig.read(folder);
    if (!config.tiedHead() || !config.isPlainLlama()) {
      throw new IllegalArgumentException(folder + ": (expected: a plain Llama with a tied head)");
    }
    layers = config.layers();
    heads = config.attentionHeads();
    keyHeads = config.keyValueHeads();
    size = config.headSize();
    hidden = config.hiddenSize();
    inner = config.intermediateSize();
    long numbers = config.parameterCount();
    matrixNumbers = numbers - (2 * layers + 1) * hidden;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      master = keep(zeros(ScalarType.Float, numbers));
      gradients = keep(zeros(ScalarType.Float, numbers));
      products = twoTypes ? keep(zeros(product, matrixNumbers)) : master;
      productGradients = twoTypes ? keep(zeros(product, matrixNumbers)) : gradients;
      firstMoment = keep(zeros(ScalarType.Float, numbers));
      secondMoment = keep(zeros(ScalarType.Float, numbers));
      Flat flat = new Flat(SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS)));
      flat.put("model.embed_tokens.weight", config.vocabularySize(), hidden);
      embedding = flat.leaf(master, gradients, config.vocabularySize(), hidden);
      head = keep(products.narrow(0, 0, flat.at).view(config.vocabularySize(), hidden));
      headGradient = keep(gradients.narrow(0, 0, flat.at).view(config.vocabularySize(), hidden));
      for (long i = 0; i < layers; i++) {
        String block = "model.layers." + i + ".";
        flat.put(block + "self_attn.q_proj.weight", hidden, hidden);
        flat.put(block + "self_attn.k_proj.weight", keyHeads * size, hidden);
        flat.put(block + "self_attn.v_proj.weight", keyHeads * size, hidden);
        qkv.add(flat.leaf(products, productGradients, hidden + 2 * keyHeads * size, hidden));
        flat.put(block + "self_attn.o_proj.weight", hidden, hidden);
        output.add(flat.leaf(products, productGradients, hidden, hidden));
        flat.put(block + "mlp.gate_proj.weight", inner, hidden);
        flat.put(block + "mlp.up_proj.weight", inner, hidden);
        gateUp.add(flat.leaf(products, productGradients, 2 * inner, hidden));
        flat.put(block + "mlp.down_proj.weight", hidden, inner);
        down.add(flat.leaf(products, productGradients, hidden, inner));
      }
      for (long i = 0; i < layers; i++) {
        String block = "model.layers." + i + ".";
        flat.put(block + "input_layernorm.weight", hidden);
        attentionNorm.add(flat.leaf(master, gradients, hidden));
        flat.put(block + "post_attention_layernorm.weight", hidden);
        feedForwardNorm.add(flat.leaf(master, gradients, hidden));
      }
      flat.put("model.norm.weight", hidden);
      finalNorm = flat.leaf(master, gradients, hidden);
      copyProducts();
      int positions = config.contextTokens();
      int width = config.headSize();
      double[] cosines = new double[positions * width];
      double[] sines = new double[positions * width];
      for (int t = 0; t < positions; t++) {
        for (int i = 0; i < width; i++) {
          double angle = t * Math.pow(config.ropeTheta(), -2.0 * (i % (width / 2)) / width);
          cosines[t * width + i] = Math.cos(angle);
          sines[t * width + i] = i < width / 2 ? -Math.sin(angle) : Math.sin(angle);
        }
      }
      cosine = keep(doubles(cosines, positions, width).to(ScalarType.Float));
      sine = keep(doubles(sines, positions, width).to(ScalarType.Float));
    }
  }

  /** Fills the flat buffers in the order in which weights are asked for. */
  private final class Flat {
    private final SafetensorsFile file;
    private long at;
    private long leafFrom;

    Flat(SafetensorsFile file) {
      this.file = file;
    }

    private void put(String name, long... shape) {
      List<Long> boxed = new ArrayList<>();
      for (long length : shape) {
        boxed.add(length);
      }
      float[] values = file.read(name, boxed);
      master.narrow(0, at, values.length).copy_(floats(values, values.length));
      at += values.length;
    }

    /** What was put since the last leaf, as one trained tensor of a shape. */
    private Tensor leaf(Tensor values, Tensor gradientsOfValues, long... shape) {
      Tensor leaf = keep(values.narrow(0, leafFrom, at - leafFrom).view(shape).detach());
      leaf.set_requires_grad(true);
      leaf.mutable_grad().put(gradientsOfValues.narrow(0, leafFrom, at - leafFrom).view(shape));
      leafFrom = at;
      return leaf;
    }
  }

  /** Keys and values of earlier tokens. */
  private interface Memory {
    Tensor attend(int layer, Tensor query, Tensor key, Tensor value);
  }

  DecoderConfig config() {
    return config;
  }

  private Tensor hidden(Tensor ids, Tensor cos, Tensor sin, Memory memory) {
    Tensor x = torch.embedding(embedding, ids);
    long rows = ids.size(0);
    long tokens = ids.size(1);
    for (int i = 0; i < layers; i++) {
      Tensor projected =
          torch
              .linear(norm(x, attentionNorm.get(i)), qkv.get(i))
              .view(rows, tokens, heads + 2 * keyHeads, size);
      Tensor straight = projected.narrow(2, 0, heads + keyHeads);
      Tensor swapped =
          torch.cat(
              new TensorVector(
                  straight.narrow(-1, size / 2, size / 2), straight.narrow(-1, 0, size / 2)),
              -1);
      Tensor rotated = straight.mul(cos).add(swapped.mul(sin));
      Tensor attended =
          memory.attend(
              i,
              rotated.narrow(2, 0, heads).transpose(1, 2),
              rotated.narrow(2, heads, keyHeads).transpose(1, 2),
              projected.narrow(2, heads + keyHeads, keyHeads).to(ScalarType.Float).transpose(1, 2));
      x =
          x.add(
              torch.linear(
                  attended.transpose(1, 2).reshape(rows, tokens, heads * size).to(product),
                  output.get(i)));
      Tensor wide = torch.linear(norm(x, feedForwardNorm.get(i)), gateUp.get(i));
      x =
          x.add(
              torch.linear(
                  torch.silu(wide.narrow(-1, 0, inner)).mul(wide.narrow(-1, inner, inner)),
                  down.get(i)));
    }
    return x;
  }

  private Tensor norm(Tensor x, Tensor weight) {
    Tensor scale =
        x.mul(x)
            .mean(new long[] {-1}, true, new ScalarTypeOptional())
            .add(new Scalar(config.rmsNormEpsilon()))
            .rsqrt();
    return x.mul(scale).mul(weight).to(product);
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
    long times = heads / keyHeads;
    if (times == 1) {
      return x;
    }
    return x.unsqueeze(2)
        .expand(x.size(0), keyHeads, times, x.size(2), size)
        .reshape(x.size(0), heads, x.size(2), size);
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
              flat(rows, 0, length).view(rows.length, length),
              cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              sine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              (layer, query, key, value) -> attend(query, key, value, true));
      Tensor predicting = residual.narrow(1, first, length - first).reshape(-1, hidden);
      Tensor input = norm(predicting, finalNorm).contiguous();
      double loss;
      Tensor byInput;
      try (NoGradGuard off = new NoGradGuard()) {
        Tensor targets = flat(rows, first + 1, length - first);
        TensorVector pieces = new TensorVector();
        long count = input.size(0);
        double sum = 0;
        for (long from = 0; from < count; from += PIECE_ROWS) {
          long piece = Math.min(PIECE_ROWS, count - from);
          Tensor in = input.narrow(0, from, piece);
          Tensor target = targets.narrow(0, from, piece).unsqueeze(1);
          Tensor all = torch.log_softmax(torch.linear(in, head).to(ScalarType.Float), 1);
          sum -= all.gather(1, target).sum().item_double();
          Tensor byLogit = all.exp_().mul_(new Scalar(1.0 / count));
          byLogit.scatter_add_(
              1,
              target,
              torch.full(
                  new long[] {piece, 1},
                  new Scalar(-1.0 / count),
                  new TensorOptions(ScalarType.Float)));
          Tensor narrow = byLogit.to(product);
          headGradient.add_(narrow.t().mm(in), new Scalar(1.0));
          pieces.push_back(narrow.mm(head));
        }
        loss = sum / count;
        byInput = torch.cat(pieces, 0);
      }
      input.backward(byInput, new BoolOptional(), false, new TensorArrayRefOptional());
      adamW(learningRate);
      return loss;
    }
  }

  private void adamW(double learningRate) {
    try (NoGradGuard off = new NoGradGuard()) {
      if (twoTypes) {
        gradients.narrow(0, 0, matrixNumbers).add_(productGradients, new Scalar(1.0));
      }
      double norm = gradients.norm().item_double();
      if (norm > 1) {
        gradients.mul_(new Scalar(1 / (norm + 1e-6)));
      }
      steps++;
      firstMoment.mul_(new Scalar(BETA1)).add_(gradients, new Scalar(1 - BETA1));
      secondMoment.mul_(new Scalar(BETA2)).addcmul_(gradients, gradients, new Scalar(1 - BETA2));
      master.narrow(0, 0, matrixNumbers).mul_(new Scalar(1 - learningRate * DECAY));
      double correction = Math.sqrt(1 - Math.pow(BETA2, steps));
      master.addcdiv_(
          firstMoment,
          secondMoment.sqrt().mul_(new Scalar(1 / correction)).add_(new Scalar(EPSILON)),
          new Scalar(-learningRate / (1 - Math.pow(BETA1, steps))));
      gradients.zero_();
      if (twoTypes) {
        productGradients.zero_();
      }
      copyProducts();
    }
  }

  private void copyProducts() {
    if (twoTypes) {
      products.copy_(master.narrow(0, 0, matrixNumbers));
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
      for (int i = 0; i < layers; i++) {
        keys.add(zeros(ScalarType.Float, rows, keyHeads, start + count, size));
        values.add(zeros(ScalarType.Float, rows, keyHeads, start + count, size));
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
      Tensor source = longs(sources, sources.length);
      Tensor residual =
          hidden(
              all(prompts).view(prompts.length, length),
              cosine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
              sine.narrow(0, 0, length).unsqueeze(0).unsqueeze(2),
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
              longs(tokens, tokens.length, 1),
              cosine.narrow(0, position, 1).unsqueeze(0).unsqueeze(2),
              sine.narrow(0, position, 1).unsqueeze(0).unsqueeze(2),
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
    return torch.linear(norm(residual, finalNorm).contiguous(), head).to(ScalarType.Float);
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

  private Tensor keep(Tensor tensor) {
    tensor.retainReference();
    kept.add(tensor);
    return tensor;
  }

  private static Tensor zeros(ScalarType type, long... shape) {
    return torch.zeros(shape, new TensorOptions(type));
  }

  private static Tensor empty(ScalarType type, long... shape) {
    return torch.empty(shape, new TensorOptions(type), new MemoryFormatOptional());
  }

  private static Tensor longs(long[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Long, shape);
    new LongPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  private static Tensor floats(float[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Float, shape);
    new FloatPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  private static Tensor doubles(double[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Double, shape);
    new DoublePointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  /** {@code length} tokens of each row from that at {@code first}; shape [B · T]. */
  private static Tensor flat(int[][] rows, int first, int length) {
    long[] ids = new long[rows.length * length];
    for (int b = 0; b < rows.length; b++) {
      for (int t = 0; t < length; t++) {
        ids[b * length + t] = rows[b][t + first];
      }
    }
    return longs(ids, ids.length);
  }

  private static Tensor all(int[][] rows) {
    int length = rows[0].length;
    long[] ids = new long[rows.length * length];
    for (int b = 0; b < rows.length; b++) {
      for (int t = 0; t < length; t++) {
        ids[b * length + t] = rows[b][t];
      }
    }
    return longs(ids, ids.length);
  }

  @Override
  public void close() {
    kept.forEach(Tensor::releaseReference);
    kept.clear();
  }
}
