package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of the beginnings of prompts, in blocks of {@link #BLOCK} tokens. A block is
 * found by its tokens and all before them. Those unused for longest go when the bound is reached.
 *
 * <p>Shape letters: L layers, K key-value heads, E head size, T tokens.
 */
final class PrefixCache implements AutoCloseable {
  /** Tokens of a block. */
  static final int BLOCK = 32;

  /** A block by its tokens and what precedes it; {@code parent} 0: nothing. */
  private record Key(long parent, TokenIds tokens) {}

  private record Block(long id, Tensor keysAndValues) {}

  private final long blockBytes;
  private final long limitBytes;

  /** The least recently used first; a block is used whenever one after it is. */
  private final Map<Key, Block> blocks = new LinkedHashMap<>(16, 0.75f, true);

  private long ids;
  private long epoch;
  private long askedTokens;
  private long hitTokens;

  /**
   * Starts empty.
   *
   * @param limitBytes the most that all blocks take; 0 turns it off
   */
  PrefixCache(LengthClasses classes, long limitBytes) {
    this.blockBytes = BLOCK * classes.bytesPerToken();
    this.limitBytes = limitBytes;
  }

  /** Whether anything is kept. */
  boolean enabled() {
    return blockBytes <= limitBytes;
  }

  /** Changes with the weights: what was computed before belongs in no later cache. */
  long epoch() {
    return epoch;
  }

  /** Bytes of all blocks. */
  long bytes() {
    return blocks.size() * blockBytes;
  }

  /** Prompt tokens that were looked for. */
  long askedTokens() {
    return askedTokens;
  }

  /** Prompt tokens that were found. */
  long hitTokens() {
    return hitTokens;
  }

  /**
   * Returns the blocks that {@code tokens} begin with, shape [2L, K, 32, E] each; at least one
   * token is left over, since somebody wants to know what follows.
   */
  List<Tensor> lookUp(TokenIds tokens) {
    List<Tensor> found = new ArrayList<>();
    List<Key> keys = new ArrayList<>();
    long parent = 0;
    if (enabled()) {
      for (int from = 0; from + BLOCK < tokens.size(); from += BLOCK) {
        Key key = new Key(parent, tokens.slice(from, from + BLOCK));
        Block block = blocks.get(key);
        if (block == null) {
          break;
        }
        parent = block.id();
        keys.add(key);
        found.add(block.keysAndValues());
      }
      touch(keys);
    }
    askedTokens += tokens.size();
    hitTokens += (long) found.size() * BLOCK;
    return found;
  }

  /** Makes the first block of a chain the most recently used: a chain is dropped from its end. */
  private void touch(List<Key> chain) {
    Collections.reverse(chain);
    chain.forEach(blocks::get);
  }

  /**
   * Keeps the full blocks of a prompt, up to the first whose numbers are not all finite: attention
   * multiplies what a token may not see by zero, so one NaN reaches the tokens before it.
   *
   * @param layers keys, values, keys, values, …: 2L tensors [K, at least T, E]
   */
  void put(TokenIds tokens, List<Tensor> layers) {
    if (!enabled() || tokens.size() < BLOCK) {
      return;
    }
    List<Key> chain = new ArrayList<>();
    try (PointerScope scope = new PointerScope()) {
      @Nullable Tensor all = null;
      long parent = 0;
      for (int from = 0; from + BLOCK <= tokens.size(); from += BLOCK) {
        Key key = new Key(parent, tokens.slice(from, from + BLOCK));
        Block block = blocks.get(key);
        if (block == null) {
          if (chain.size() * blockBytes + blockBytes > limitBytes) {
            break; // longer than the cache: its beginning is worth more than its end
          }
          if (all == null) {
            all = stacked(layers, tokens.size() / BLOCK * BLOCK);
          }
          Tensor copy = all.narrow(2, from, BLOCK).contiguous().clone();
          if (!Double.isFinite(copy.sum().item_double())) {
            break; // a token that spoils its prompt must not spoil all that begin as it does
          }
          copy.retainReference();
          block = new Block(++ids, copy);
          blocks.put(key, block);
        }
        parent = block.id();
        chain.add(key);
      }
    }
    touch(chain);
    evict();
  }

  private static Tensor stacked(List<Tensor> layers, int tokens) {
    TensorVector parts = new TensorVector();
    layers.forEach(layer -> parts.push_back(layer.narrow(1, 0, tokens)));
    return torch.stack(parts, 0);
  }

  private void evict() {
    while (bytes() > limitBytes) {
      Map.Entry<Key, Block> eldest = blocks.entrySet().iterator().next();
      eldest.getValue().keysAndValues().releaseReference();
      blocks.remove(eldest.getKey());
    }
  }

  /** Forgets everything: the weights are others now. */
  void clear() {
    blocks.values().forEach(block -> block.keysAndValues().releaseReference());
    blocks.clear();
    epoch++;
  }

  @Override
  public void close() {
    clear();
  }
}
