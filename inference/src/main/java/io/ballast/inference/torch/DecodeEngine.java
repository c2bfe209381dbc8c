package io.ballast.inference.torch;

import io.ballast.inference.api.StopReason;
import io.ballast.inference.torch.DecoderNetwork.AttentionMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Draws tokens for many completions side by side: rows join after their prompt is computed and
 * leave when they end, between any two steps. For one thread, with gradients off.
 *
 * <p>Shape letters: B rows under way, T tokens, K key-value heads, E head size, V vocabulary.
 */
final class DecodeEngine implements AutoCloseable {
  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final DecoderConfig config;
  private final TokenDrawing drawing;
  private final KeyValueCache cache;
  private final List<DecodeRow> active = new ArrayList<>();

  DecodeEngine(TrainedWeights weights, RotaryTable rotary, int vocabularySize) {
    this.weights = weights;
    this.rotary = rotary;
    this.config = weights.layout().config();
    this.drawing = new TokenDrawing(vocabularySize, config.contextTokens());
    this.cache = new KeyValueCache(config, weights.fullType());
  }

  int activeRows() {
    return active.size();
  }

  /**
   * Computes prompts, draws each row's first token, and takes the rows on.
   *
   * @param groups rows of one prompt each; a prompt is computed once
   */
  void join(List<List<DecodeRow>> groups) {
    List<DecodeRow> joining = new ArrayList<>();
    List<Long> sources = new ArrayList<>();
    int longest = 0;
    for (int p = 0; p < groups.size(); p++) {
      for (DecodeRow row : groups.get(p)) {
        joining.add(row);
        sources.add((long) p);
      }
      longest = Math.max(longest, groups.get(p).getFirst().prompt().tokens().size());
    }
    int first = active.size();
    active.addAll(joining);
    try (PointerScope scope = new PointerScope()) {
      cache.ensure(active.size(), longest);
      long[] slots = new long[joining.size()];
      Arrays.setAll(slots, i -> first + i);
      Tensor source = Tensors.of(longs(sources), slots.length);
      Tensor logits = prefill(groups, longest, source, Tensors.of(slots, slots.length));
      drawing.draw(logits.index_select(0, source), joining, i -> cache.clear(first + i));
    }
    compact();
  }

  /** Computes prompts padded on the right, and returns the logits after each, shape [P, V]. */
  private Tensor prefill(List<List<DecodeRow>> groups, int longest, Tensor source, Tensor slots) {
    int prompts = groups.size();
    long[] ids = new long[prompts * longest];
    long[] last = new long[prompts];
    for (int p = 0; p < prompts; p++) {
      var tokens = groups.get(p).getFirst().prompt().tokens();
      for (int t = 0; t < tokens.size(); t++) {
        ids[p * longest + t] = tokens.get(t);
      }
      last[p] = (long) p * longest + tokens.size() - 1;
    }
    AttentionMemory memory =
        (layer, query, key, value) -> {
          cache
              .keys(layer)
              .narrow(2, 0, longest)
              .index_copy_(0, slots, key.index_select(0, source));
          cache
              .values(layer)
              .narrow(2, 0, longest)
              .index_copy_(0, slots, value.index_select(0, source));
          // what follows a prompt in its row is padding, which a causal mask hides
          return DecoderNetwork.attend(query, key, value, null, true);
        };
    Tensor residual =
        weights.network().hidden(Tensors.of(ids, prompts, longest), rotary.first(longest), memory);
    return logits(
        residual.view(-1, config.hiddenSize()).index_select(0, Tensors.of(last, prompts)));
  }

  /** Draws one token for every row under way. */
  void step() {
    int rows = active.size();
    long[] ids = new long[rows];
    long[] positions = new long[rows];
    int longest = 0;
    for (int b = 0; b < rows; b++) {
      ids[b] = active.get(b).lastToken();
      positions[b] = active.get(b).lastPosition();
      longest = Math.max(longest, active.get(b).lastPosition() + 1);
    }
    try (PointerScope scope = new PointerScope()) {
      cache.ensure(rows, longest);
      Tensor position = Tensors.of(positions, rows, 1);
      Tensor residual =
          weights
              .network()
              .hidden(
                  Tensors.of(ids, rows, 1),
                  rotary.at(position),
                  stepMemory(position, mask(positions, longest), rows, longest));
      drawing.draw(logits(residual.view(rows, config.hiddenSize())), active, cache::clear);
    }
    compact();
  }

  private AttentionMemory stepMemory(
      Tensor position, @Nullable Tensor mask, int rows, int longest) {
    Tensor place =
        position.view(rows, 1, 1, 1).expand(rows, config.keyValueHeads(), 1, config.headSize());
    return (layer, query, key, value) -> {
      Tensor keys = cache.keys(layer).narrow(0, 0, rows).narrow(2, 0, longest);
      Tensor values = cache.values(layer).narrow(0, 0, rows).narrow(2, 0, longest);
      keys.scatter_(2, place, key);
      values.scatter_(2, place, value);
      return DecoderNetwork.attend(query, keys, values, mask, false);
    };
  }

  /**
   * What is added to attention: −∞ after each row's position; shape [B, 1, 1, T]. Absent if all
   * rows are equally long, which saves a third of attention.
   */
  private @Nullable Tensor mask(long[] positions, int longest) {
    if (Arrays.stream(positions).allMatch(position -> position == longest - 1)) {
      return null;
    }
    float[] mask = new float[positions.length * longest];
    for (int b = 0; b < positions.length; b++) {
      Arrays.fill(
          mask, b * longest + (int) positions[b] + 1, (b + 1) * longest, Float.NEGATIVE_INFINITY);
    }
    return Tensors.of(mask, positions.length, 1, 1, longest).to(weights.fullType());
  }

  private Tensor logits(Tensor residual) {
    DecoderNetwork network = weights.network();
    return torch.linear(network.normalized(residual), network.head()).to(ScalarType.Float);
  }

  /** Ends the rows whose caller has left. */
  void dropCancelled() {
    for (DecodeRow row : active) {
      if (row.cancelled()) {
        row.finish(StopReason.CANCELLED);
      }
    }
    try (PointerScope scope = new PointerScope()) {
      compact();
    }
  }

  /** Fails every row under way. */
  void failAll(RuntimeException cause) {
    active.forEach(row -> row.fail(cause));
    active.clear();
    cache.close();
  }

  /** Moves the last rows into the places of those that have ended. */
  private void compact() {
    List<Long> from = new ArrayList<>();
    List<Long> to = new ArrayList<>();
    for (int b = 0; b < active.size(); b++) {
      while (!active.isEmpty() && active.getLast().ended()) {
        active.removeLast();
      }
      if (b < active.size() && active.get(b).ended()) {
        from.add((long) active.size() - 1);
        to.add((long) b);
        active.set(b, active.removeLast());
      }
    }
    if (!from.isEmpty() && !active.isEmpty()) {
      cache.move(longs(from), longs(to));
    }
  }

  /** Gives memory back that only completions under way need. */
  void releaseMemory() {
    if (active.isEmpty()) {
      cache.close();
    }
  }

  private static long[] longs(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public void close() {
    cache.close();
  }
}
