package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A pass takes memory by the model's shape, and what fits is told from that. */
class PassMemoryTest {
  // D = 16, inner 24, 2 blocks, queries 16, keys 8, V = 40
  private static final DecoderConfig CONFIG = TinyModels.CONFIG;

  @Test
  void byHand() {
    // full and product 4 bytes, a block: norms 2·16·8 = 256, projected 32·8 = 256,
    // attended 2·16·4 + 16·8 = 256, feed-forward 4·24·4 + 16·8 = 512, together 1,280
    // a token: 2·1,280 + 40·4 = 2,720; ten of them and a mask of 10·10·4
    assertThat(PassMemory.bytes(CONFIG, Arithmetic.FLOAT32, 10)).isEqualTo(27_200 + 400);
    assertThat(PassMemory.bytes(CONFIG, Arithmetic.FLOAT32, 0)).isZero();
  }

  @Test
  void theMostTokensAreThoseThatJustFit() {
    assertThat(PassMemory.mostTokens(CONFIG, Arithmetic.FLOAT32, 27_600)).isEqualTo(10);
    assertThat(PassMemory.mostTokens(CONFIG, Arithmetic.FLOAT32, 27_599)).isEqualTo(9);
    assertThat(PassMemory.mostTokens(CONFIG, Arithmetic.FLOAT32, -1)).isEqualTo(1);
  }

  @Test
  void narrowerProductsTakeLess() {
    assertThat(PassMemory.bytes(CONFIG, Arithmetic.BFLOAT16_PRODUCTS, 10))
        .isLessThan(PassMemory.bytes(CONFIG, Arithmetic.FLOAT32, 10));
  }

  @Test
  void hugeShapesDoNotOverflow() {
    DecoderConfig huge =
        new DecoderConfig(
            1 << 20, 1 << 24, 1_024, 1_024, 1_024, 1 << 28, 1 << 24, 1e-5, 10_000, true, 0, 0);
    assertThat(PassMemory.bytes(huge, Arithmetic.FLOAT32, 1 << 24)).isGreaterThan(1e18);
    assertThat(PassMemory.mostTokens(huge, Arithmetic.FLOAT32, 1e9)).isEqualTo(1);
  }
}
