package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** The parts of the forward pass, on numbers that can be checked by hand. */
class DecoderNetworkTest {
  @Test
  void rmsNormDividesByTheRootOfTheMeanSquare() {
    try (PointerScope scope = new PointerScope()) {
      // mean square of (3, 4) is 12.5, its root 3.5355
      Tensor normed =
          DecoderNetwork.rmsNorm(
              Tensors.of(new double[] {3, 4}, 1, 2), Tensors.of(new double[] {1, 10}, 2), 1e-12);
      assertThat(Tensors.doubles(normed))
          .containsExactly(new double[] {3 / Math.sqrt(12.5), 40 / Math.sqrt(12.5)}, within(1e-9));
    }
  }

  @Test
  void rotaryTurnsEachHalfPairByItsPosition() {
    // head size 4: pairs (0, 2) with frequency 1 and (1, 3) with frequency 10000^(−1/2) = 0.01
    DecoderConfig config = new DecoderConfig(4, 4, 1, 1, 1, 8, 8, 1e-5, 10_000, true, 0, 0);
    try (RotaryTable rotary = new RotaryTable(config, ScalarType.Double);
        PointerScope scope = new PointerScope()) {
      Tensor x = Tensors.of(new double[] {1, 1, 0, 0}, 1, 1, 1, 4);
      Tensor rotated = rotary.at(Tensors.of(new long[] {3}, 1, 1)).apply(x);
      assertThat(Tensors.doubles(rotated))
          .containsExactly(
              new double[] {Math.cos(3), Math.cos(0.03), Math.sin(3), Math.sin(0.03)},
              within(1e-12));
    }
  }

  @Test
  void attentionBetweenRotatedVectorsDependsOnTheirDistanceOnly() {
    DecoderConfig config = TinyModels.CONFIG;
    try (RotaryTable rotary = new RotaryTable(config, ScalarType.Double);
        PointerScope scope = new PointerScope()) {
      assertThat(product(rotary, 9, 4)).isCloseTo(product(rotary, 15, 10), within(1e-12));
    }
  }

  private static double product(RotaryTable rotary, long queryAt, long keyAt) {
    Tensor query = Tensors.of(new double[] {1, -2, 3, 0.5}, 1, 1, 1, 4);
    Tensor key = Tensors.of(new double[] {0.3, 1, -1, 2}, 1, 1, 1, 4);
    Tensor left = rotary.at(Tensors.of(new long[] {queryAt}, 1, 1)).apply(query);
    Tensor right = rotary.at(Tensors.of(new long[] {keyAt}, 1, 1)).apply(key);
    return left.mul(right).sum().item_double();
  }
}
