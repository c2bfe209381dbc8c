package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of rows of one {@linkplain LengthClasses length class}: for each layer two
 * tensors [capacity, K, tokens, E], of which the first places are taken. Free places hold finite
 * numbers: attention multiplies them by zero.
 *
 * <p>Rows that take part in the next step come first. Shape letters: K key-value heads, E head
 * size.
 */
final class KeyValueArena implements AutoCloseable {
  private final DecoderConfig config;
  private final ScalarType type;
  private final int tokens;
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final List<SeatedRow> rows = new ArrayList<>();
  private int capacity;
  private int running;

  KeyValueArena(DecoderConfig config, ScalarType type, int tokens) {
    this.config = config;
    this.type = type;
    this.tokens = tokens;
  }

  /** The most tokens of a row. */
  int tokens() {
    return tokens;
  }

  /** How many places there is memory for. */
  int capacity() {
    return capacity;
  }

  /** The rows, in the order of their places. */
  List<SeatedRow> rows() {
    return rows;
  }

  /** How many rows take part in the next step: the first ones. */
  int running() {
    return running;
  }

  /** The keys of a layer, shape [capacity, K, tokens, E]. */
  Tensor keys(int layer) {
    return keys.get(layer);
  }

  /** The values of a layer, shape [capacity, K, tokens, E]. */
  Tensor values(int layer) {
    return values.get(layer);
  }

  /** Takes memory for so many places, at least for the rows there are; layer by layer. */
  void resize(int places) {
    if (places == capacity) {
      return;
    }
    if (places < rows.size()) {
      throw new IllegalArgumentException(places + " places (expected: ≥ " + rows.size() + ")");
    }
    if (places == 0) {
      close();
      return;
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      resize(keys, layer, places);
      resize(values, layer, places);
    }
    capacity = places;
  }

  private void resize(List<Tensor> tensors, int layer, int places) {
    try (PointerScope scope = new PointerScope()) {
      Tensor resized =
          Tensors.zeros(type, places, config.keyValueHeads(), tokens, config.headSize());
      if (layer == tensors.size()) {
        tensors.add(resized);
      } else {
        Tensor old = tensors.get(layer);
        int kept = Math.min(rows.size(), places);
        if (kept > 0) {
          resized.narrow(0, 0, kept).copy_(old.narrow(0, 0, kept));
        }
        tensors.set(layer, resized);
        old.releaseReference();
      }
      resized.retainReference();
    }
  }

  /** Brings the rows that take part in the next step to the front. */
  void arrange() {
    List<Long> from = new ArrayList<>();
    List<Long> to = new ArrayList<>();
    int first = 0;
    int last = rows.size() - 1;
    while (true) {
      while (first <= last && !rows.get(first).row().paused()) {
        first++;
      }
      while (first < last && rows.get(last).row().paused()) {
        last--;
      }
      if (first >= last) {
        break;
      }
      SeatedRow paused = rows.get(first);
      rows.set(first, rows.get(last));
      rows.set(last, paused);
      from.addAll(List.of((long) first, (long) last));
      to.addAll(List.of((long) last, (long) first));
    }
    running = first;
    move(from, to);
  }

  /** Copies places: {@code to[i]} becomes what {@code from[i]} is, all at once. */
  private void move(List<Long> from, List<Long> to) {
    if (from.isEmpty()) {
      return;
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor source = Tensors.of(from);
      Tensor target = Tensors.of(to);
      for (int layer = 0; layer < config.layers(); layer++) {
        move(keys(layer), source, target);
        move(values(layer), source, target);
      }
    }
  }

  private static void move(Tensor places, Tensor from, Tensor to) {
    places.index_copy_(0, to, places.index_select(0, from));
  }

  /** Removes the rows that have ended, and moves the last ones into their places. */
  void compact() {
    List<Long> from = new ArrayList<>();
    List<Long> to = new ArrayList<>();
    for (int place = 0; place < rows.size(); place++) {
      while (!rows.isEmpty() && rows.getLast().row().ended()) {
        rows.removeLast();
      }
      if (place < rows.size() && rows.get(place).row().ended()) {
        from.add((long) rows.size() - 1);
        to.add((long) place);
        rows.set(place, rows.removeLast());
      }
    }
    move(from, to);
  }

  /** Takes a row out, and moves the last one into its place. */
  void remove(int place) {
    SeatedRow last = rows.removeLast();
    if (place < rows.size()) {
      rows.set(place, last);
      move(List.of((long) rows.size()), List.of((long) place));
    }
  }

  /** Appends what {@code from} has of the row at {@code place}. There is memory for it. */
  void adopt(KeyValueArena from, int place) {
    int target = rows.size();
    rows.add(from.rows.get(place));
    try (PointerScope scope = new PointerScope()) {
      for (int layer = 0; layer < config.layers(); layer++) {
        copy(from.keys(layer), place, keys(layer), target, from.tokens);
        copy(from.values(layer), place, values(layer), target, from.tokens);
      }
    }
  }

  private static void copy(Tensor from, int place, Tensor to, int target, int length) {
    to.select(0, target).narrow(1, 0, length).copy_(from.select(0, place));
  }

  /** Forgets numbers that may not be finite. */
  void clear(int place) {
    try (PointerScope scope = new PointerScope()) {
      for (int layer = 0; layer < config.layers(); layer++) {
        keys(layer).select(0, place).zero_();
        values(layer).select(0, place).zero_();
      }
    }
  }

  /** Gives the memory back; the rows are gone. */
  @Override
  public void close() {
    keys.forEach(Tensor::releaseReference);
    values.forEach(Tensor::releaseReference);
    keys.clear();
    values.clear();
    rows.clear();
    capacity = 0;
    running = 0;
  }
}
