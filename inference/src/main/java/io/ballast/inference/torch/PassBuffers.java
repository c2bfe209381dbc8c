package io.ballast.inference.torch;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What lies between the products of a step of some rows in a {@link DecodePass}, and which of it is
 * which lane's.
 */
final class PassBuffers extends KeptTensors {
  final int rows;
  final int lanes;
  final float[] residual;
  final float[] cosines;
  final float[] signedSines;

  /** What a product takes, normalised in full width, then in the products' type. */
  final Tensor normed;

  final Tensor input;
  final Tensor attended;
  final Tensor gated;
  final MemorySegment normedMemory;
  final MemorySegment queryKeyValueMemory;
  final MemorySegment queryMemory;
  final MemorySegment keyMemory;
  final MemorySegment valueMemory;
  final MemorySegment projectedMemory;
  private final List<Part> parts = new ArrayList<>();

  PassBuffers(DecoderConfig config, ScalarType productType, int rows, int lanes) {
    this.rows = rows;
    this.lanes = lanes;
    int hidden = config.hiddenSize();
    int heads = config.attentionHeads();
    int keyHeads = config.keyValueHeads();
    int size = config.headSize();
    long inner = config.intermediateSize();
    residual = new float[rows * hidden];
    cosines = new float[rows * size];
    signedSines = new float[rows * size];
    normed = buffer(ScalarType.Float, rows, hidden);
    input = productType == ScalarType.Float ? normed : buffer(productType, rows, hidden);
    Tensor queryKeyValue = buffer(productType, rows, (long) (heads + 2 * keyHeads) * size);
    Tensor query = buffer(ScalarType.Float, rows, heads, 1, size);
    Tensor key = buffer(ScalarType.Float, rows, keyHeads, 1, size);
    Tensor value = buffer(ScalarType.Float, rows, keyHeads, 1, size);
    attended = buffer(productType, rows, (long) heads * size);
    Tensor projected = buffer(productType, rows, hidden);
    Tensor gateUp = buffer(productType, rows, 2 * inner);
    gated = buffer(productType, rows, inner);
    normedMemory = Tensors.memory(normed);
    queryKeyValueMemory = Tensors.memory(queryKeyValue);
    queryMemory = Tensors.memory(query);
    keyMemory = Tensors.memory(key);
    valueMemory = Tensors.memory(value);
    projectedMemory = Tensors.memory(projected);
    for (int lane = 0; lane < lanes; lane++) {
      int first = firstRow(rows, lane, lanes);
      int count = firstRow(rows, lane + 1, lanes) - first;
      Tensor both = gateUp.narrow(0, first, count);
      parts.add(
          new Part(
              first,
              count,
              kept(normed.narrow(0, first, count)),
              kept(input.narrow(0, first, count)),
              kept(query.narrow(0, first, count)),
              kept(key.narrow(0, first, count)),
              kept(value.narrow(0, first, count)),
              kept(attended.narrow(0, first, count)),
              kept(both.narrow(1, 0, inner)),
              kept(both.narrow(1, inner, inner)),
              kept(gated.narrow(0, first, count)),
              kept(PassColumns.ofLane(queryKeyValue, lane, lanes)),
              kept(PassColumns.ofLane(projected, lane, lanes)),
              kept(PassColumns.ofLane(gateUp, lane, lanes))));
    }
  }

  private Tensor buffer(ScalarType type, long... shape) {
    return kept(Tensors.empty(type, shape));
  }

  /** The first of {@code rows} rows that is a lane's; the lane after the last begins at all. */
  static int firstRow(int rows, int lane, int lanes) {
    return rows * lane / lanes;
  }

  /**
   * What is a lane's: some rows, and of products some columns of all rows.
   *
   * @param first of its rows
   * @param count of its rows; may be 0
   */
  record Part(
      int first,
      int count,
      Tensor normed,
      Tensor input,
      Tensor query,
      Tensor key,
      Tensor value,
      Tensor attended,
      Tensor gate,
      Tensor up,
      Tensor gated,
      Tensor queryKeyValueColumns,
      Tensor projectedColumns,
      Tensor gateUpColumns) {}

  Part part(int lane) {
    return parts.get(lane);
  }
}
