package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Blocks are found by all their tokens and those before them; the oldest go first. */
class PrefixCacheTest {
  private static final LengthClasses CLASSES =
      new LengthClasses(TinyModels.CONFIG, Arithmetic.FLOAT32.full());
  private static final long BLOCK_BYTES = 32 * CLASSES.bytesPerToken();

  private PrefixCache cache = new PrefixCache(CLASSES, 3 * BLOCK_BYTES);

  @AfterEach
  void close() {
    cache.close();
  }

  private static TokenIds tokens(int from, int count) {
    return TokenIds.of(IntStream.range(from, from + count).toArray());
  }

  private void put(TokenIds tokens, double value) {
    try (PointerScope scope = new PointerScope()) {
      List<Tensor> layers = new ArrayList<>();
      for (int i = 0; i < 2 * TinyModels.CONFIG.layers(); i++) {
        layers.add(
            Tensors.zeros(Arithmetic.FLOAT32.full(), 2, tokens.size(), 4)
                .fill_(new Scalar(value + i)));
      }
      cache.put(tokens, layers);
    }
  }

  private int found(TokenIds tokens) {
    try (PointerScope scope = new PointerScope()) {
      return cache.lookUp(tokens).size();
    }
  }

  @Test
  void aBeginningIsFoundBlockByBlockAndATokenIsLeftOver() {
    put(tokens(0, 70), 1);
    assertThat(cache.bytes()).isEqualTo(2 * BLOCK_BYTES);
    assertThat(found(tokens(0, 70))).isEqualTo(2);
    assertThat(found(tokens(0, 64))).isEqualTo(1);
    assertThat(found(tokens(0, 65))).isEqualTo(2);
    assertThat(found(tokens(0, 32))).isZero();
    assertThat(found(tokens(1, 70))).isZero();
    assertThat(cache.hitTokens()).isEqualTo(5 * 32);
    assertThat(cache.askedTokens()).isEqualTo(70 + 64 + 65 + 32 + 70);
  }

  @Test
  void theSameTokensAfterOthersAreAnotherBlock() {
    put(tokens(0, 32).concat(tokens(100, 32)), 1);
    put(tokens(50, 32).concat(tokens(100, 32)), 7);
    try (PointerScope scope = new PointerScope()) {
      List<Tensor> blocks =
          cache.lookUp(tokens(50, 32).concat(tokens(100, 32)).concat(tokens(9, 1)));
      assertThat(Tensors.floats(blocks.getLast())[0]).isEqualTo(7);
    }
  }

  @Test
  void whatWasUsedLastStays() {
    put(tokens(0, 32), 1);
    put(tokens(100, 32), 2);
    put(tokens(200, 32), 3);
    assertThat(found(tokens(0, 33))).isEqualTo(1);
    put(tokens(300, 32), 4);
    assertThat(cache.bytes()).isEqualTo(3 * BLOCK_BYTES);
    assertThat(found(tokens(0, 33))).isEqualTo(1);
    assertThat(found(tokens(100, 33))).isZero();
  }

  @Test
  void aChainIsDroppedFromItsEnd() {
    put(tokens(0, 96), 1);
    put(tokens(500, 32), 2);
    assertThat(found(tokens(0, 97))).isEqualTo(2);
  }

  @Test
  void ofAPromptLongerThanTheCacheTheBeginningIsKept() {
    put(tokens(0, 320), 1);
    assertThat(cache.bytes()).isEqualTo(3 * BLOCK_BYTES);
    assertThat(found(tokens(0, 320))).isEqualTo(3);
  }

  @Test
  void otherWeightsForgetAll() {
    put(tokens(0, 40), 1);
    long epoch = cache.epoch();
    cache.clear();
    assertThat(cache.epoch()).isNotEqualTo(epoch);
    assertThat(cache.bytes()).isZero();
    assertThat(found(tokens(0, 40))).isZero();
  }

  @Test
  void withoutBytesNothingIsKept() {
    cache.close();
    cache = new PrefixCache(CLASSES, BLOCK_BYTES - 1);
    put(tokens(0, 40), 1);
    assertThat(found(tokens(0, 40))).isZero();
    assertThat(cache.enabled()).isFalse();
  }
}
