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

  /** The columns of the matrices of one block that a lane multiplies with; turned round. */
  private record Matrices(Tensor queryKeyValue, Tensor output, Tensor gateUp, Tensor down) {}

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
  private List<Columns> columns = List.of();
  private @Nullable Buffers buffers;

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

  /** Tensors that stay until they are closed, whatever scope they are made in. */
  private abstract static class Kept implements AutoCloseable {
    private final List<Tensor> tensors = new ArrayList<>();

    Tensor kept(Tensor tensor) {
      tensor.retainReference();
      tensors.add(tensor);
      return tensor;
    }

    @Override
    public void close() {
      tensors.forEach(Tensor::releaseReference);
    }
  }

  /** The columns of all matrices that one of so many lanes multiplies with. */
  private final class Columns extends Kept {
    final List<Matrices> matrices = new ArrayList<>();
    final Tensor head;

    Columns(int lane, int lanes) {
      for (Block block : network.blocks()) {
        matrices.add(
            new Matrices(
                of(block.queryKeyValue(), lane, lanes),
                of(block.output(), lane, lanes),
                of(block.gateUp(), lane, lanes),
                of(block.down(), lane, lanes)));
      }
      head = of(network.head(), lane, lanes);
    }

    private Tensor of(Tensor weight, int lane, int lanes) {
      long from = from(weight.size(0), lane, lanes);
      return kept(weight.narrow(0, from, from(weight.size(0), lane + 1, lanes) - from).t());
    }
  }

  /** The first of {@code count} columns that is a lane's; the lane after the last begins at all. */
  private static long from(long count, int lane, int lanes) {
    long from = count * lane / lanes;
    return lane == lanes || count < 16L * lanes ? from : from / 16 * 16;
  }

  /** The first of {@code rows} rows that is a lane's; the lane after the last begins at all. */
  static int firstRow(int rows, int lane, int lanes) {
    return rows * lane / lanes;
  }

  /** What lies between the products of a step of N rows, and which of it is which lane's. */
  private final class Buffers extends Kept {
    final int rows;
    final int lanes;
    final float[] residual;
    final float[] cosines;
    final float[] signedSines;

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
    final Tensor gated;
    final MemorySegment normedMemory;
    final MemorySegment queryKeyValueMemory;
    final MemorySegment queryMemory;
    final MemorySegment keyMemory;
    final MemorySegment valueMemory;
    final MemorySegment projectedMemory;
    final List<Part> parts = new ArrayList<>();

    Buffers(int rows, int lanes) {
      this.rows = rows;
      this.lanes = lanes;
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
      gated = buffer(productType, rows, inner);
      normedMemory = Tensors.memory(normed);
      queryKeyValueMemory = Tensors.memory(queryKeyValue);
      queryMemory = Tensors.memory(query);
      keyMemory = Tensors.memory(key);
      valueMemory = Tensors.memory(value);
      projectedMemory = Tensors.memory(projected);
      for (int lane = 0; lane < lanes; lane++) {
        parts.add(new Part(this, lane));
      }
    }

    private Tensor buffer(ScalarType type, long... shape) {
      return kept(Tensors.empty(type, shape));
    }
  }

  /** What of the buffers is a lane's: some rows, and of products some columns of all rows. */
  private final class Part {
    final int first;
    final int count;
    final Tensor normed;
    final Tensor input;
    final Tensor query;
    final Tensor key;
    final Tensor value;
    final Tensor attended;
    final Tensor gate;
    final Tensor up;
    final Tensor gated;
    final Tensor queryKeyValueColumns;
    final Tensor projectedColumns;
    final Tensor gateUpColumns;

    Part(Buffers b, int lane) {
      first = firstRow(b.rows, lane, b.lanes);
      count = firstRow(b.rows, lane + 1, b.lanes) - first;
      normed = rows(b, b.normed);
      input = rows(b, b.input);
      query = rows(b, b.query);
      key = rows(b, b.key);
      value = rows(b, b.value);
      attended = rows(b, b.attended);
      long inner = config.intermediateSize();
      Tensor both = rows(b, b.gateUp);
      gate = b.kept(both.narrow(1, 0, inner));
      up = b.kept(both.narrow(1, inner, inner));
      gated = rows(b, b.gated);
      queryKeyValueColumns = columns(b, b.queryKeyValue, lane);
      projectedColumns = columns(b, b.projected, lane);
      gateUpColumns = columns(b, b.gateUp, lane);
    }

    private Tensor rows(Buffers b, Tensor of) {
      return b.kept(of.narrow(0, first, count));
    }

    private Tensor columns(Buffers b, Tensor of, int lane) {
      return b.kept(ofLane(of, lane, b.lanes));
    }
  }

  /** The columns of a product of all rows that a lane computes. */
  private static Tensor ofLane(Tensor product, int lane, int lanes) {
    long from = from(product.size(1), lane, lanes);
    return product.narrow(1, from, from(product.size(1), lane + 1, lanes) - from);
  }

  /**
   * Begins a step: what each lane does of it then is {@link #hidden} and {@link #logits}.
   *
   * @param ids of the tokens, length N
   * @param positions of theirs, length N
   * @param lanes that will do it, ≥ 1; their rows are by {@link #firstRow}
   */
  void begin(long[] ids, long[] positions, int lanes) {
    while (scratches.size() < lanes) {
      scratches.add(new Scratch());
    }
    if (columns.size() != lanes) {
      List<Columns> before = columns;
      columns = List.of();
      before.forEach(Columns::close);
      List<Columns> made = new ArrayList<>();
      for (int lane = 0; lane < lanes; lane++) {
        made.add(new Columns(lane, lanes));
      }
      columns = made;
    }
    Buffers b = buffers(ids.length, lanes);
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

  private Buffers buffers(int rows, int lanes) {
    Buffers known = buffers;
    if (known != null && known.rows == rows && known.lanes == lanes) {
      return known;
    }
    if (known != null) {
      buffers = null;
      known.close();
    }
    Buffers made = new Buffers(rows, lanes);
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
    Buffers b = Objects.requireNonNull(buffers);
    Part part = b.parts.get(lane);
    new Turn(b, part, scratches.get(lane), columns.get(lane), meeting).blocks(memory);
    MemorySegment.copy(
        b.residual,
        part.first * hidden,
        b.normedMemory,
        JAVA_FLOAT,
        (long) part.first * hidden * Float.BYTES,
        part.count * hidden);
    return part.normed;
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
    Buffers b = Objects.requireNonNull(buffers);
    Part part = b.parts.get(lane);
    Turn turn = new Turn(b, part, scratches.get(lane), columns.get(lane), meeting);
    turn.blocks(memory);
    turn.normalize(finalNorm);
    turn.multiply(ofLane(into, lane, b.lanes), b.input, columns.get(lane).head);
    return into.narrow(0, part.first, part.count);
  }

  /** What a lane does of a step. */
  private final class Turn {
    private final Buffers b;
    private final Part part;
    private final Scratch s;
    private final Columns columns;
    private final Meeting meeting;

    Turn(Buffers b, Part part, Scratch s, Columns columns, Meeting meeting) {
      this.b = b;
      this.part = part;
      this.s = s;
      this.columns = columns;
      this.meeting = meeting;
    }

    void blocks(AttentionMemory memory) {
      for (int i = 0; i < layers.size(); i++) {
        attention(i, layers.get(i), columns.matrices.get(i), memory);
        feedForward(layers.get(i), columns.matrices.get(i));
      }
    }

    private void attention(int index, Layer layer, Matrices matrices, AttentionMemory memory) {
      normalize(layer.attentionNorm());
      multiply(part.queryKeyValueColumns, b.input, matrices.queryKeyValue());
      for (int r = part.first; r < part.first + part.count; r++) {
        rotate(layer, r);
      }
      if (part.count > 0) {
        Tensor attended = memory.attend(index, part.query, part.key, part.value);
        part.attended.copy_(attended.reshape(part.count, (long) heads * size));
      }
      multiply(part.projectedColumns, b.attended, matrices.output());
      add(layer.outputBias());
    }

    private void feedForward(Layer layer, Matrices matrices) {
      normalize(layer.feedForwardNorm());
      multiply(part.gateUpColumns, b.input, matrices.gateUp());
      config.activation().apply(part.gate, part.gated);
      part.gated.mul_(part.up);
      multiply(part.projectedColumns, b.gated, matrices.down());
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
      for (int r = part.first; r < part.first + part.count; r++) {
        int at = r * hidden;
        normalize(b.residual, at, hidden, s.result, 0);
        MemorySegment.copy(
            s.result, 0, b.normedMemory, JAVA_FLOAT, (long) at * Float.BYTES, hidden);
      }
      if (b.input != b.normed) {
        part.input.copy_(part.normed);
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
      for (int r = part.first; r < part.first + part.count; r++) {
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
    columns.forEach(Columns::close);
    columns = List.of();
  }
}
