package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.RowPacker.Row;
import io.ballast.inference.onnx.RowPacker.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The inputs of one run of a {@link ScoringGraph}: rows padded to one length, completions to one
 * length. Padding sees itself only. Not thread-safe.
 */
final class PackedRun {
  private final List<Slot> slots = new ArrayList<>();
  private final int rows;
  private final int tokens;
  private final int longest;
  private final LongBuffer inputIds;
  private final LongBuffer positionIds;
  private final ByteBuffer attentionMask;
  private final LongBuffer predictIndex;
  private final LongBuffer tokenIndex;
  private final LongBuffer targets;
  private final FloatBuffer mask;

  /** Lays out {@code list}, which has at least one row. */
  PackedRun(List<Row> list) {
    rows = list.size();
    tokens = list.stream().mapToInt(Row::length).max().orElseThrow();
    longest = list.stream().mapToInt(Row::longest).max().orElseThrow();
    list.forEach(row -> slots.addAll(row.slots()));
    inputIds = longs(rows * tokens);
    positionIds = longs(rows * tokens);
    attentionMask = ByteBuffer.allocateDirect(rows * tokens * tokens);
    predictIndex = longs(slots.size() * longest);
    tokenIndex = longs(slots.size() * longest);
    targets = longs(slots.size() * longest);
    mask = bytes(slots.size() * longest * Float.BYTES).asFloatBuffer();
    int m = 0;
    for (int b = 0; b < rows; b++) {
      m = layRow(b, list.get(b), m);
    }
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocateDirect(count).order(ByteOrder.nativeOrder());
  }

  private static LongBuffer longs(int count) {
    return bytes(count * Long.BYTES).asLongBuffer();
  }

  private int layRow(int b, Row row, int firstCompletion) {
    int prompt = row.prompt().size();
    for (int t = 0; t < prompt; t++) {
      put(b, t, row.prompt().get(t), t);
      see(b, t, 0, t);
    }
    int at = prompt;
    int m = firstCompletion;
    for (Slot slot : row.slots()) {
      TokenIds completion = slot.tokens();
      for (int c = 0; c < completion.size(); c++) {
        put(b, at + c, completion.get(c), prompt + c);
        see(b, at + c, 0, prompt - 1);
        see(b, at + c, at, at + c);
      }
      for (int c = 0; c < longest; c++) {
        // padding points at the completion's own first token, never at another row
        boolean real = c < completion.size();
        int own = real ? c : 0;
        int place = m * longest + c;
        predictIndex.put(place, b * tokens + (own == 0 ? prompt - 1 : at + own - 1));
        tokenIndex.put(place, b * tokens + at + own);
        targets.put(place, completion.get(own));
        mask.put(place, real ? 1 : 0);
      }
      at += completion.size();
      m++;
    }
    for (int t = at; t < tokens; t++) {
      see(b, t, t, t);
    }
    return m;
  }

  private void put(int b, int t, int id, int position) {
    inputIds.put(b * tokens + t, id);
    positionIds.put(b * tokens + t, position);
  }

  private void see(int b, int t, int from, int to) {
    int row = (b * tokens + t) * tokens;
    for (int other = from; other <= to; other++) {
      attentionMask.put(row + other, (byte) 1);
    }
  }

  /** The completions, shape [M], in the order of the outputs. */
  List<Slot> slots() {
    return slots;
  }

  /** Rows, B. */
  int rows() {
    return rows;
  }

  /** Tokens of a row, T, padding included. */
  int tokens() {
    return tokens;
  }

  /** Tokens of the longest completion, C. */
  int longest() {
    return longest;
  }

  /** Shape [B, T]. */
  LongBuffer inputIds() {
    return inputIds;
  }

  /** Shape [B, T]. */
  LongBuffer positionIds() {
    return positionIds;
  }

  /** Shape [B, T, T], one byte a boolean. */
  ByteBuffer attentionMask() {
    return attentionMask;
  }

  /** Shape [M, C]. */
  LongBuffer predictIndex() {
    return predictIndex;
  }

  /** Shape [M, C]. */
  LongBuffer tokenIndex() {
    return tokenIndex;
  }

  /** Shape [M, C]. */
  LongBuffer targets() {
    return targets;
  }

  /** Shape [M, C]. */
  FloatBuffer mask() {
    return mask;
  }
}
