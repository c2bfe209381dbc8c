package io.ballast.inference.torch;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.ballast.inference.torch.DecoderNetwork.AttentionMemory;
import io.ballast.inference.torch.DecoderNetwork.Block;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass over one token of each of a few rows: the numbers of {@link DecoderNetwork}, but
 * for the last bit, by a third of the calls into the library. With few rows each call costs more
 * than what it computes, so only products, activations and attention are the library's; norms,
 * rotation and sums are computed here, and what lies between is written to buffers that stay.
 *
 * <p>For one thread, with gradients off. Shape letters: N rows, D hidden size, H query heads, K
 * key-value heads, E head size, I inner size of a feed-forward layer.
 */
final class DecodePass implements AutoCloseable {
  /** With more rows the library, which uses all the processor's lanes, is as quick. */
  static final int MOST_ROWS = 64;

  /** The weights of one block; matrices turned round: [columns, rows]. */
  private record Layer(
      MemorySegment attentionNorm,
      Tensor queryKeyValue,
      Tensor output,
      MemorySegment feedForwardNorm,
      Tensor gateUp,
      Tensor down,
      @Nullable MemorySegment queryKeyValueBias,
      @Nullable MemorySegment outputBias,
      @Nullable MemorySegment queryNorm,
      @Nullable MemorySegment keyNorm) {}

  private final DecoderConfig config;
  private final RotaryTable rotary;
  private final ScalarType productType;
  private final MemorySegment embedding;
  private final List<Layer> layers = new ArrayList<>();
  private final List<Tensor> kept = new ArrayList<>();
  private final int hidden;
  private final int heads;
  private final int keyHeads;
  private final int size;

  /** A row of whatever is read or written, and two for the weights that it meets. */
  private final float[] row;

  private final float[] result;
  private final float[] weight;
  private final short[] halves;
  private @Nullable Buffers buffers;

  private DecodePass(DecoderNetwork network, DecoderConfig config, RotaryTable rotary) {
    this.config = config;
    this.rotary = rotary;
    this.productType = network.productType().intern();
    this.hidden = config.hiddenSize();
    this.heads = config.attentionHeads();
    this.keyHeads = config.keyValueHeads();
    this.size = config.headSize();
    int widest = Math.max(hidden, (heads + 2 * keyHeads) * size);
    this.row = new float[widest];
    this.result = new float[widest];
    this.weight = new float[widest];
    this.halves = new short[widest];
    boolean complete = false;
    try (PointerScope scope = new PointerScope()) {
      embedding = Tensors.memory(network.embedding());
      for (Block block : network.blocks()) {
        layers.add(
            new Layer(
                Tensors.memory(block.attentionNorm()),
                keep(block.queryKeyValue().t()),
                keep(block.output().t()),
                Tensors.memory(block.feedForwardNorm()),
                keep(block.gateUp().t()),
                keep(block.down().t()),
                memory(block.queryKeyValueBias()),
                memory(block.outputBias()),
                memory(block.queryNorm()),
                memory(block.keyNorm())));
      }
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /**
   * Returns a pass over the weights of {@code network}, or null if they are of a type that it does
   * not compute in. Weights may change in place; the network outlives the pass.
   */
  static @Nullable DecodePass over(
      DecoderNetwork network, DecoderConfig config, RotaryTable rotary) {
    ScalarType product = network.productType().intern();
    boolean known =
        network.embedding().scalar_type().intern() == ScalarType.Float
            && (product == ScalarType.Float || product == ScalarType.BFloat16);
    return known ? new DecodePass(network, config, rotary) : null;
  }

  private Tensor keep(Tensor tensor) {
    tensor.retainReference();
    kept.add(tensor);
    return tensor;
  }

  private static @Nullable MemorySegment memory(@Nullable Tensor tensor) {
    return tensor == null ? null : Tensors.memory(tensor);
  }

  /** What lies between the products of a step of N rows. */
  private final class Buffers implements AutoCloseable {
    final int rows;
    final float[] residual;
    final float[] cosines;
    final float[] signedSines;
    final List<Tensor> tensors = new ArrayList<>();

    /** What a product takes, normalised in full width, then in the products' type. */
    final Tensor normed;

    final Tensor input;
    final Tensor queryKeyValue;
    final Tensor query;
    final Tensor key;
    final Tensor value;
    final Tensor attended;
    final Tensor projected;
    final Tensor gateUp;
    final Tensor gate;
    final Tensor up;
    final Tensor gated;
    final MemorySegment normedMemory;
    final MemorySegment queryKeyValueMemory;
    final MemorySegment queryMemory;
    final MemorySegment keyMemory;
    final MemorySegment valueMemory;
    final MemorySegment projectedMemory;

    Buffers(int rows) {
      this.rows = rows;
      residual = new float[rows * hidden];
      cosines = new float[rows * size];
      signedSines = new float[rows * size];
      long inner = config.intermediateSize();
      normed = buffer(ScalarType.Float, rows, hidden);
      input = productType == ScalarType.Float ? normed : buffer(productType, rows, hidden);
      queryKeyValue = buffer(productType, rows, (long) (heads + 2 * keyHeads) * size);
      query = buffer(ScalarType.Float, rows, heads, 1, size);
      key = buffer(ScalarType.Float, rows, keyHeads, 1, size);
      value = buffer(ScalarType.Float, rows, keyHeads, 1, size);
      attended = buffer(productType, rows, (long) heads * size);
      projected = buffer(productType, rows, hidden);
      gateUp = buffer(productType, rows, 2 * inner);
      gate = kept(gateUp.narrow(1, 0, inner));
      up = kept(gateUp.narrow(1, inner, inner));
      gated = buffer(productType, rows, inner);
      normedMemory = Tensors.memory(normed);
      queryKeyValueMemory = Tensors.memory(queryKeyValue);
      queryMemory = Tensors.memory(query);
      keyMemory = Tensors.memory(key);
      valueMemory = Tensors.memory(value);
      projectedMemory = Tensors.memory(projected);
    }

    private Tensor buffer(ScalarType type, long... shape) {
      return kept(Tensors.empty(type, shape));
    }

    private Tensor kept(Tensor tensor) {
      tensor.retainReference();
      tensors.add(tensor);
      return tensor;
    }

    @Override
    public void close() {
      tensors.forEach(Tensor::releaseReference);
    }
  }

  private Buffers buffers(int rows) {
    Buffers known = buffers;
    if (known != null && known.rows == rows) {
      return known;
    }
    if (known != null) {
      buffers = null;
      known.close();
    }
    Buffers made = new Buffers(rows);
    buffers = made;
    return made;
  }

  /**
   * Returns the residual stream, shape [N, D], after the last block, not yet normalised. It is good
   * until the next call.
   *
   * @param ids of the tokens, length N
   * @param positions of theirs, length N
   */
  Tensor hidden(long[] ids, long[] positions, AttentionMemory memory) {
    Buffers b = buffers(ids.length);
    for (int r = 0; r < b.rows; r++) {
      long from = ids[r] * hidden * Float.BYTES;
      MemorySegment.copy(embedding, JAVA_FLOAT, from, b.residual, r * hidden, hidden);
      rotary.copy(positions[r], b.cosines, b.signedSines, r * size);
    }
    if (config.embeddingScale() != 1) {
      float scale = (float) config.embeddingScale();
      for (int i = 0; i < b.residual.length; i++) {
        b.residual[i] *= scale;
      }
    }
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      attention(i, layer, b, memory);
      feedForward(layer, b);
    }
    MemorySegment.copy(b.residual, 0, b.normedMemory, JAVA_FLOAT, 0, b.residual.length);
    return b.normed;
  }

  private void attention(int index, Layer layer, Buffers b, AttentionMemory memory) {
    normalize(b, layer.attentionNorm());
    multiply(b.queryKeyValue, b.input, layer.queryKeyValue());
    for (int r = 0; r < b.rows; r++) {
      rotate(layer, b, r);
    }
    Tensor attended = memory.attend(index, b.query, b.key, b.value);
    b.attended.copy_(attended.reshape(b.rows, (long) heads * size));
    multiply(b.projected, b.attended, layer.output());
    add(b, layer.outputBias());
  }

  private void feedForward(Layer layer, Buffers b) {
    normalize(b, layer.feedForwardNorm());
    multiply(b.gateUp, b.input, layer.gateUp());
    config.activation().apply(b.gate, b.gated);
    b.gated.mul_(b.up);
    multiply(b.projected, b.gated, layer.down());
    add(b, null);
  }

  private static void multiply(Tensor target, Tensor x, Tensor weight) {
    var unused = torch.mm_out(target, x, weight);
  }

  /** Makes the next product's input of the residual stream. */
  private void normalize(Buffers b, MemorySegment norm) {
    read(norm, hidden, weight);
    for (int r = 0; r < b.rows; r++) {
      int at = r * hidden;
      normalize(b.residual, at, hidden, result, 0);
      MemorySegment.copy(result, 0, b.normedMemory, JAVA_FLOAT, (long) at * Float.BYTES, hidden);
    }
    if (b.input != b.normed) {
      b.input.copy_(b.normed);
    }
  }

  /** Reads the weights of a norm. */
  private void read(MemorySegment norm, int count, float[] into) {
    MemorySegment.copy(norm, JAVA_FLOAT, 0, into, 0, count);
    float offset = (float) config.normOffset();
    if (offset != 0) {
      for (int i = 0; i < count; i++) {
        into[i] += offset;
      }
    }
  }

  /** Writes x / sqrt(mean(x²) + ε) · weight. Source: arXiv:1910.07467. */
  private void normalize(float[] x, int from, int count, float[] target, int at) {
    double even = 0;
    double odd = 0;
    int paired = count & -2;
    for (int i = 0; i < paired; i += 2) {
      double first = x[from + i];
      double second = x[from + i + 1];
      even += first * first;
      odd += second * second;
    }
    if (paired < count) {
      double last = x[from + paired];
      even += last * last;
    }
    float scale = (float) (1 / Math.sqrt((even + odd) / count + config.rmsNormEpsilon()));
    for (int i = 0; i < count; i++) {
      target[at + i] = x[from + i] * scale * weight[i];
    }
  }

  /** Makes a row's query, key and value of the product, the first two rotated. */
  private void rotate(Layer layer, Buffers b, int r) {
    int width = (heads + 2 * keyHeads) * size;
    readProduct(b.queryKeyValueMemory, r, width);
    MemorySegment bias = layer.queryKeyValueBias();
    if (bias != null) {
      addTo(row, bias, width);
    }
    if (layer.queryNorm() != null && layer.keyNorm() != null) {
      normalizeHeads(layer.queryNorm(), 0, heads);
      normalizeHeads(layer.keyNorm(), heads, keyHeads);
    }
    int half = size / 2;
    int angle = r * size;
    for (int h = 0; h < heads + keyHeads; h++) {
      int low = h * size;
      int high = low + half;
      for (int i = 0; i < half; i++) {
        result[low + i] =
            row[low + i] * b.cosines[angle + i] + row[high + i] * b.signedSines[angle + i];
      }
      for (int i = 0; i < half; i++) {
        result[high + i] =
            row[high + i] * b.cosines[angle + half + i]
                + row[low + i] * b.signedSines[angle + half + i];
      }
    }
    write(result, 0, b.queryMemory, r, heads * size);
    write(result, heads * size, b.keyMemory, r, keyHeads * size);
    write(row, (heads + keyHeads) * size, b.valueMemory, r, keyHeads * size);
  }

  private void normalizeHeads(MemorySegment norm, int first, int count) {
    read(norm, size, weight);
    for (int h = first; h < first + count; h++) {
      normalize(row, h * size, size, row, h * size);
    }
  }

  /** Writes a row of {@code count} numbers into the memory of N such rows. */
  private static void write(float[] from, int at, MemorySegment memory, int r, int count) {
    MemorySegment.copy(from, at, memory, JAVA_FLOAT, (long) r * count * Float.BYTES, count);
  }

  /** Adds what a product gave to the residual stream. */
  private void add(Buffers b, @Nullable MemorySegment bias) {
    for (int r = 0; r < b.rows; r++) {
      readProduct(b.projectedMemory, r, hidden);
      if (bias != null) {
        addTo(row, bias, hidden);
      }
      int at = r * hidden;
      for (int i = 0; i < hidden; i++) {
        b.residual[at + i] += row[i];
      }
    }
  }

  private void addTo(float[] x, MemorySegment bias, int count) {
    MemorySegment.copy(bias, JAVA_FLOAT, 0, weight, 0, count);
    for (int i = 0; i < count; i++) {
      x[i] += weight[i];
    }
  }

  /** Reads row {@code r} of a product of {@code width} columns into {@link #row}. */
  private void readProduct(MemorySegment product, int r, int width) {
    if (productType == ScalarType.Float) {
      MemorySegment.copy(product, JAVA_FLOAT, (long) r * width * Float.BYTES, row, 0, width);
      return;
    }
    MemorySegment.copy(product, JAVA_SHORT, (long) r * width * Short.BYTES, halves, 0, width);
    for (int i = 0; i < width; i++) {
      row[i] = Float.intBitsToFloat(halves[i] << 16); // bfloat16: a float without its last half
    }
  }

  @Override
  public void close() {
    if (buffers != null) {
      buffers.close();
      buffers = null;
    }
    kept.forEach(Tensor::releaseReference);
    kept.clear();
  }
}
