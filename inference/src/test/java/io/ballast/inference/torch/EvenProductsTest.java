package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A row's product is the same bit by bit in every place, whoever stands beside it. */
class EvenProductsTest {
  private static final int MOST = 16;

  @ParameterizedTest
  @CsvSource({"96,96", "96,32", "160,96", "96,266", "256,704", "256,4096", "7,3", "1,1"})
  void aRowIsTheSameInEveryPlaceAndCompany(int width, int outputs) {
    TorchRuntime.setThreads(1);
    SplittableRandom random = new SplittableRandom(width);
    try (PointerScope scope = new PointerScope()) {
      for (ScalarType type : new ScalarType[] {ScalarType.Float, ScalarType.BFloat16}) {
        Tensor weight = random(random, outputs, width).to(type);
        Products products = Products.inBlocksOf(MOST);
        Tensor row = random(random, 1, width).to(type);
        Tensor alone =
            products.linear(row.expand(MOST, width).contiguous(), weight).narrow(0, 0, 1).clone();
        for (int place = 0; place < 2 * MOST; place++) {
          Tensor x = random(random, 2 * MOST, width).to(type);
          x.narrow(0, place, 1).copy_(row);
          assertThat(products.linear(x, weight).narrow(0, place, 1).equal(alone))
              .as("%s, place %d", type, place)
              .isTrue();
        }
      }
    }
  }

  @Test
  void theProductIsThatOfTheLibrary() {
    TorchRuntime.setThreads(1);
    SplittableRandom random = new SplittableRandom(4);
    try (PointerScope scope = new PointerScope()) {
      Tensor weight = random(random, 40, 24);
      Tensor x = random(random, 3 * MOST, 24).unsqueeze(1);
      Tensor found = Products.inBlocksOf(MOST).linear(x, weight);
      assertThat(found.sub(torch.linear(x, weight)).abs().max().item_double())
          .isCloseTo(0, within(1e-5));
    }
  }

  @Test
  void rowsMustHaveHalves() {
    assertThatThrownBy(() -> Products.inBlocksOf(12))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("most: 12 (expected: a power of two)");
  }

  private static Tensor random(SplittableRandom random, int rows, int width) {
    float[] values = new float[rows * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.of(values, rows, width);
  }
}
