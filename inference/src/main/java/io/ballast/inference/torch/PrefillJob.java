package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.Lane;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A prompt that is being computed, for all rows that go on from it. Its keys and values are its own
 * until it is done.
 *
 * <p>Shape letters: L layers, K key-value heads, E head size, T tokens.
 */
final class PrefillJob implements AutoCloseable {
  private final TokenIds tokens;
  private final int block;
  private final int capacity;
  private final List<DecodeRow> rows = new ArrayList<>();

  /** Shape [2L, K, T, E]; absent before the first token, and for prompts computed in one go. */
  private @Nullable Tensor kept;

  /** Keys, values, keys, …, shape [K, T, E] each, of a prompt computed in one go. */
  private final List<Tensor> inOneGo = new ArrayList<>();

  private boolean started;
  private int done;
  private long epoch;

  /**
   * Begins nothing yet.
   *
   * @param epoch of the prefixes' cache
   * @param block the memory is a multiple of so many tokens long, and there is one even for a
   *     prompt that is computed in one go; 0: neither
   */
  PrefillJob(TokenIds tokens, DecodeRow first, long epoch, int block) {
    this.tokens = tokens;
    this.block = block;
    this.capacity = block == 0 ? tokens.size() : (tokens.size() + block - 1) / block * block;
    this.epoch = epoch;
    rows.add(first);
  }

  /** The first lane of its rows. */
  Lane lane() {
    return rows.stream().map(DecodeRow::lane).min(Comparator.naturalOrder()).orElse(Lane.BATCH);
  }

  TokenIds tokens() {
    return tokens;
  }

  /** The rows that go on from it. */
  List<DecodeRow> rows() {
    return rows;
  }

  /** How many tokens are computed. */
  int done() {
    return done;
  }

  int left() {
    return tokens.size() - done;
  }

  boolean started() {
    return started;
  }

  /** What the cache's epoch was when it began. */
  long epoch() {
    return epoch;
  }

  /** Takes what a cache has of its beginning. */
  void start(PrefixCache cache, DecoderConfig config, ScalarType type) {
    started = true;
    epoch = cache.epoch();
    List<Tensor> blocks = cache.lookUp(tokens);
    if (!blocks.isEmpty()) {
      Tensor all = keep(config, type);
      try (PointerScope scope = new PointerScope()) {
        for (Tensor block : blocks) {
          all.narrow(2, done, PrefixCache.BLOCK).copy_(block);
          done += PrefixCache.BLOCK;
        }
      }
    }
  }

  private Tensor keep(DecoderConfig config, ScalarType type) {
    if (kept == null) {
      try (PointerScope scope = new PointerScope()) {
        Tensor all =
            Tensors.zeros(
                type, 2L * config.layers(), config.keyValueHeads(), capacity, config.headSize());
        all.retainReference();
        kept = all;
      }
    }
    return Objects.requireNonNull(kept);
  }

  /** Makes room for a chunk that is not the whole prompt. */
  void prepare(int chunk, DecoderConfig config, ScalarType type) {
    if (chunk < tokens.size() || block > 0) {
      var unused = keep(config, type);
    }
  }

  /** Bytes of its own that it may yet take. */
  long wholeBytes(LengthClasses classes) {
    return kept == null ? capacity * classes.bytesPerToken() : 0;
  }

  /** Bytes of its own. */
  long bytes(LengthClasses classes) {
    return kept == null ? 0 : capacity * classes.bytesPerToken();
  }

  /**
   * Takes a layer's keys and values of the next tokens, shape [K, chunk, E] each.
   *
   * @return all up to the last of them, keys and values, shape [K, done + chunk, E] each
   */
  KeysAndValues append(int layer, Tensor keys, Tensor values) {
    if (kept == null) {
      return new KeysAndValues(inOneGo(keys), inOneGo(values));
    }
    long chunk = keys.size(1);
    Tensor allKeys = kept.select(0, 2L * layer);
    Tensor allValues = kept.select(0, 2L * layer + 1);
    allKeys.narrow(1, done, chunk).copy_(keys);
    allValues.narrow(1, done, chunk).copy_(values);
    return new KeysAndValues(
        allKeys.narrow(1, 0, done + chunk), allValues.narrow(1, 0, done + chunk));
  }

  /** Keeps a layer's keys or values beyond the block that computes them, and nothing beside. */
  private Tensor inOneGo(Tensor ofLayer) {
    Tensor own = ofLayer.contiguous();
    own.retainReference();
    inOneGo.add(own);
    return own;
  }

  /** All of its memory of a layer, shape [K, capacity, E] each; zeros where nothing is yet. */
  KeysAndValues all(int layer) {
    Tensor all = Objects.requireNonNull(kept);
    return new KeysAndValues(all.select(0, 2L * layer), all.select(0, 2L * layer + 1));
  }

  /** Keys and values of one layer. */
  record KeysAndValues(Tensor keys, Tensor values) {}

  void advance(int chunk) {
    done += chunk;
  }

  /** Keys, values, keys, …, shape [K, T, E] each. For the step that completes it. */
  List<Tensor> layers() {
    if (kept == null) {
      return inOneGo;
    }
    List<Tensor> layers = new ArrayList<>();
    for (long i = 0; i < kept.size(0); i++) {
      layers.add(kept.select(0, i).narrow(1, 0, tokens.size()));
    }
    return layers;
  }

  /** How many tokens this begins with that {@code other} begins with too. */
  int sharedWith(PrefillJob other) {
    int most = Math.min(tokens.size(), other.tokens.size());
    int shared = 0;
    while (shared < most && tokens.get(shared) == other.tokens.get(shared)) {
      shared++;
    }
    return shared;
  }

  @Override
  public void close() {
    if (kept != null) {
      kept.releaseReference();
      kept = null;
    }
    inOneGo.forEach(Tensor::releaseReference);
    inOneGo.clear();
  }
}
