package io.ballast.inference.torch;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.ballast.inference.torch.DecoderNetwork.AttentionMemory;
import io.ballast.inference.torch.DecoderNetwork.Block;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
 * <p>Several lanes may compute a step together. Each has some of the rows where every row is by
 * itself; of each product it has some of the columns, of all rows: halves of few rows would take as
 * long as all of them, for most of a product's time goes into reading the weights. One step at a
 * time, a thread for each of its lanes, with gradients off.
 *
 * <p>Shape letters: N rows, D hidden size, H query heads, K key-value heads, E head size, I inner
 * size of a feed-forward layer.
 */
final class DecodePass implements AutoCloseable {
  /** Rows of a lane; with more the library, which uses all the processor's lanes, is as quick. */
  static final int MOST_ROWS = 64;

  /** The vectors of one block. */
  private record Layer(
      MemorySegment attentionNorm,
      MemorySegment feedForwardNorm,
      @Nullable MemorySegment queryKeyValueBias,
      @Nullable MemorySegment outputBias,
      @Nullable MemorySegment queryNorm,
      @Nullable MemorySegment keyNorm) {}

  private final DecoderNetwork network;
  private final DecoderConfig config;
  private final RotaryTable rotary;
  private final ScalarType productType;
  private final MemorySegment embedding;
  private final MemorySegment finalNorm;
  private final List<Layer> layers = new ArrayList<>();
  private final int hidden;
  private final int heads;
  private final int keyHeads;
  private final int size;
  private final List<Scratch> scratches = new ArrayList<>();
  private List<PassColumns> columns = List.of();
  private @Nullable PassBuffers buffers;

  private DecodePass(DecoderNetwork network, DecoderConfig config, RotaryTable rotary) {
    this.network = network;
    this.config = config;
    this.rotary = rotary;
    this.productType = network.productType().intern();
    this.hidden = config.hiddenSize();
    this.heads = config.attentionHeads();
    this.keyHeads = config.keyValueHeads();
    this.size = config.headSize();
    this.embedding = Tensors.memory(network.embedding());
    this.finalNorm = Tensors.memory(network.finalNorm());
    for (Block block : network.blocks()) {
      layers.add(
          new Layer(
              Tensors.memory(block.attentionNorm()),
              Tensors.memory(block.feedForwardNorm()),
              memory(block.queryKeyValueBias()),
              memory(block.outputBias()),
              memory(block.queryNorm()),
              memory(block.keyNorm())));
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

  private static @Nullable MemorySegment memory(@Nullable Tensor tensor) {
    return tensor == null ? null : Tensors.memory(tensor);
  }

  /** What a lane reads or writes a row of, and the weights that it meets. */
  private final class Scratch {
    private final int widest = Math.max(hidden, (heads + 2 * keyHeads) * size);
    final float[] row = new float[widest];
    final float[] result = new float[widest];
    final float[] weight = new float[widest];
    final short[] halves = new short[widest];
  }

  /**
   * Begins a step: what each lane does of it then is {@link #hidden} and {@link #logits}.
   *
   * @param ids of the tokens, length N
   * @param positions of theirs, length N
   * @param lanes that will do it, ≥ 1; their rows are by {@link PassBuffers#firstRow}
   */
  void begin(long[] ids, long[] positions, int lanes) {
    while (scratches.size() < lanes) {
      scratches.add(new Scratch());
    }
    if (columns.size() != lanes) {
      List<PassColumns> before = columns;
      columns = List.of();
      before.forEach(PassColumns::close);
      List<PassColumns> made = new ArrayList<>();
      for (int lane = 0; lane < lanes; lane++) {
        made.add(new PassColumns(network, lane, lanes));
      }
      columns = made;
    }
    PassBuffers b = buffers(ids.length, lanes);
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
  }

  private PassBuffers buffers(int rows, int lanes) {
    PassBuffers known = buffers;
    if (known != null && known.rows == rows && known.lanes == lanes) {
      return known;
    }
    if (known != null) {
      buffers = null;
      known.close();
    }
    PassBuffers made = new PassBuffers(config, productType, rows, lanes);
    buffers = made;
    return made;
  }

  /**
   * Returns the residual stream of a lane's rows after the last block, not yet normalised. It is
   * good until the next step begins.
   *
   * @param memory of the lane's rows
   * @param meeting of the step's lanes
   */
  Tensor hidden(int lane, AttentionMemory memory, Meeting meeting) {
    PassBuffers b = Objects.requireNonNull(buffers);
    PassBuffers.Part part = b.part(lane);
    new Turn(b, part, scratches.get(lane), columns.get(lane), meeting).blocks(memory);
    MemorySegment.copy(
        b.residual,
        part.first() * hidden,
        b.normedMemory,
        JAVA_FLOAT,
        (long) part.first() * hidden * Float.BYTES,
        part.count() * hidden);
    return part.normed();
  }

  /** Returns room for the logits of so many rows. */
  Tensor emptyLogits(int rows) {
    return Tensors.empty(productType, rows, network.head().size(0));
  }

  /**
   * Returns the logits of a lane's rows, in the products' type.
   *
   * @param into of all rows, the same for all lanes
   * @param memory of the lane's rows
   * @param meeting of the step's lanes
   */
  Tensor logits(int lane, Tensor into, AttentionMemory memory, Meeting meeting) {
    PassBuffers b = Objects.requireNonNull(buffers);
    PassBuffers.Part part = b.part(lane);
    Turn turn = new Turn(b, part, scratches.get(lane), columns.get(lane), meeting);
    turn.blocks(memory);
    turn.normalize(finalNorm);
    turn.multiply(PassColumns.ofLane(into, lane, b.lanes), b.input, columns.get(lane).head());
    return into.narrow(0, part.first(), part.count());
  }

  /** What a lane does of a step. */
  private final class Turn {
    private final PassBuffers b;
    private final PassBuffers.Part part;
    private final Scratch s;
    private final PassColumns columns;
    private final Meeting meeting;

    Turn(PassBuffers b, PassBuffers.Part part, Scratch s, PassColumns columns, Meeting meeting) {
      this.b = b;
      this.part = part;
      this.s = s;
      this.columns = columns;
      this.meeting = meeting;
    }

    void blocks(AttentionMemory memory) {
      for (int i = 0; i < layers.size(); i++) {
        attention(i, layers.get(i), columns.matrices(i), memory);
        feedForward(layers.get(i), columns.matrices(i));
      }
    }

    private void attention(
        int index, Layer layer, PassColumns.Matrices matrices, AttentionMemory memory) {
      normalize(layer.attentionNorm());
      multiply(part.queryKeyValueColumns(), b.input, matrices.queryKeyValue());
      for (int r = part.first(); r < part.first() + part.count(); r++) {
        rotate(layer, r);
      }
      if (part.count() > 0) {
        Tensor attended = memory.attend(index, part.query(), part.key(), part.value());
        part.attended().copy_(attended.reshape(part.count(), (long) heads * size));
      }
      multiply(part.projectedColumns(), b.attended, matrices.output());
      add(layer.outputBias());
    }

    private void feedForward(Layer layer, PassColumns.Matrices matrices) {
      normalize(layer.feedForwardNorm());
      multiply(part.gateUpColumns(), b.input, matrices.gateUp());
      config.activation().apply(part.gate(), part.gated());
      part.gated().mul_(part.up());
      multiply(part.projectedColumns(), b.gated, matrices.down());
      add(null);
    }

    /** Multiplies what all lanes have made; returns when all lanes have their columns. */
    void multiply(Tensor target, Tensor x, Tensor weight) {
      meeting.await();
      var unused = torch.mm_out(target, x, weight);
      meeting.await();
    }

    /** Makes the next product's input of the residual stream. */
    void normalize(MemorySegment norm) {
      read(norm, hidden);
      for (int r = part.first(); r < part.first() + part.count(); r++) {
        int at = r * hidden;
        normalize(b.residual, at, hidden, s.result, 0);
        MemorySegment.copy(
            s.result, 0, b.normedMemory, JAVA_FLOAT, (long) at * Float.BYTES, hidden);
      }
      if (b.input != b.normed) {
        part.input().copy_(part.normed());
      }
    }

    /** Reads the weights of a norm. */
    private void read(MemorySegment norm, int count) {
      MemorySegment.copy(norm, JAVA_FLOAT, 0, s.weight, 0, count);
      float offset = (float) config.normOffset();
      if (offset != 0) {
        for (int i = 0; i < count; i++) {
          s.weight[i] += offset;
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
      float[] weight = s.weight;
      for (int i = 0; i < count; i++) {
        target[at + i] = x[from + i] * scale * weight[i];
      }
    }

    /** Makes a row's query, key and value of the product, the first two rotated. */
    private void rotate(Layer layer, int r) {
      int width = (heads + 2 * keyHeads) * size;
      float[] row = s.row;
      float[] result = s.result;
      readProduct(b.queryKeyValueMemory, r, width);
      MemorySegment bias = layer.queryKeyValueBias();
      if (bias != null) {
        addToRow(bias, width);
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
      read(norm, size);
      for (int h = first; h < first + count; h++) {
        normalize(s.row, h * size, size, s.row, h * size);
      }
    }

    /** Adds what a product gave to the residual stream. */
    private void add(@Nullable MemorySegment bias) {
      for (int r = part.first(); r < part.first() + part.count(); r++) {
        readProduct(b.projectedMemory, r, hidden);
        if (bias != null) {
          addToRow(bias, hidden);
        }
        int at = r * hidden;
        for (int i = 0; i < hidden; i++) {
          b.residual[at + i] += s.row[i];
        }
      }
    }

    private void addToRow(MemorySegment bias, int count) {
      MemorySegment.copy(bias, JAVA_FLOAT, 0, s.weight, 0, count);
      for (int i = 0; i < count; i++) {
        s.row[i] += s.weight[i];
      }
    }

    /** Reads row {@code r} of a product of {@code width} columns. */
    private void readProduct(MemorySegment product, int r, int width) {
      if (productType == ScalarType.Float) {
        MemorySegment.copy(product, JAVA_FLOAT, (long) r * width * Float.BYTES, s.row, 0, width);
        return;
      }
      MemorySegment.copy(product, JAVA_SHORT, (long) r * width * Short.BYTES, s.halves, 0, width);
      for (int i = 0; i < width; i++) {
        // bfloat16: a float without its last half
        s.row[i] = Float.intBitsToFloat(s.halves[i] << 16);
      }
    }
  }

  /** Writes a row of {@code count} numbers into the memory of N such rows. */
  private static void write(float[] from, int at, MemorySegment memory, int r, int count) {
    MemorySegment.copy(from, at, memory, JAVA_FLOAT, (long) r * count * Float.BYTES, count);
  }

  @Override
  public void close() {
    if (buffers != null) {
      buffers.close();
      buffers = null;
    }
    columns.forEach(PassColumns::close);
    columns = List.of();
  }
}
