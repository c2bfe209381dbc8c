package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A tensor as it travels, and as it is refused. */
class TensorTest {
  private static final List<Long> TWO = List.of(2L);

  @Test
  void elementsTravelLittleEndian() {
    // 1.0f is 3F800000 and 258 is 0102 in hexadecimal, the lowest byte first
    assertThat(Tensor.floats("x", List.of(1L), 1).content().toByteArray())
        .containsExactly(0, 0, 0x80, 0x3F);
    assertThat(Tensor.integers("x", TensorType.UINT16, List.of(1L), 258).content().toByteArray())
        .containsExactly(2, 1);
    assertThat(Tensor.strings("x", TWO, "a", "").content().toByteArray())
        .containsExactly(1, 0, 0, 0, 'a', 0, 0, 0, 0);
  }

  @Test
  void halvesAreReadAsFloats() {
    assertThat(Tensor.halves("x", TWO, 0.5f, -2).floats()).containsExactly(0.5f, -2);
    // bfloat16 is the upper half of a float: 3F80 is 1.0
    ByteString one = ByteString.copyFrom(new byte[] {(byte) 0x80, 0x3F});
    assertThat(Tensor.raw("x", TensorType.BF16, List.of(1L), one).floats()).containsExactly(1);
  }

  @Test
  void whatIsWrittenIsRead() {
    assertThat(Tensor.doubles("x", TWO, Math.PI, -0.0).doubles()).containsExactly(Math.PI, -0.0);
    assertThat(Tensor.longs("x", TWO, Long.MIN_VALUE, 1).longs())
        .containsExactly(Long.MIN_VALUE, 1);
    assertThat(Tensor.ints("x", TWO, Integer.MIN_VALUE, 1).ints())
        .containsExactly(Integer.MIN_VALUE, 1);
    assertThat(Tensor.bools("x", TWO, true, false).bools()).containsExactly(true, false);
    assertThat(Tensor.strings("x", TWO, "schön", "").strings()).containsExactly("schön", "");
    assertThat(Tensor.floats("x", List.of(2L, 0L)).floats()).isEmpty();
  }

  @Test
  void unsignedNumbersStayPositive() {
    assertThat(Tensor.integers("x", TensorType.UINT8, TWO, 255, 0).longs()).containsExactly(255, 0);
    assertThat(Tensor.integers("x", TensorType.UINT32, TWO, 4_294_967_295L, 1).longs())
        .containsExactly(4_294_967_295L, 1);
  }

  @Test
  void whatDoesNotFitIsNamed() {
    assertThatThrownBy(() -> Tensor.integers("x", TensorType.INT8, TWO, 1, 128))
        .hasMessage("x[1]: 128 does not fit into INT8");
    assertThatThrownBy(() -> Tensor.floats("x", List.of(3L), 1, 2))
        .hasMessage("x: 8 bytes (expected: 12, for FP32 of shape [3])");
    assertThatThrownBy(() -> Tensor.floats("x", List.of(1L), 1, 2))
        .hasMessage("x: 8 bytes (expected: 4, for FP32 of shape [1])");
    assertThatThrownBy(() -> Tensor.floats("x", List.of(-1L), 1))
        .hasMessage("x: shape [-1] (expected: none below 0)");
    assertThatThrownBy(() -> Tensor.floats("x", List.of(1L << 40, 1L << 40)))
        .hasMessage("x: shape [1099511627776, 1099511627776] is too large");
    assertThatThrownBy(() -> Tensor.longs("x", List.of(1L << 61)))
        .hasMessage("x: shape [2305843009213693952] is too large"); // in bytes: 2^64, which is 0
  }

  @Test
  void stringsThatLieAboutTheirLengthAreRefused() {
    ByteString lies = ByteString.copyFrom(new byte[] {9, 0, 0, 0, 'a'});
    ByteString negative = ByteString.copyFrom(new byte[] {-1, -1, -1, -1});
    ByteString more = ByteString.copyFrom(new byte[] {1, 0, 0, 0, 'a', 'b'});

    for (ByteString wrong : List.of(lies, negative)) {
      assertThatThrownBy(() -> Tensor.raw("x", TensorType.BYTES, List.of(1L), wrong))
          .hasMessageStartingWith("x[0]: reaches past the end of its ");
    }
    assertThatThrownBy(() -> Tensor.raw("x", TensorType.BYTES, List.of(1L), more))
        .hasMessage("x: 6 bytes (expected: 5, for BYTES of shape [1])");
  }

  @Test
  void aTensorIsReadAsWhatItIs() {
    assertThatThrownBy(() -> Tensor.floats("x", List.of(1L), 1).longs())
        .hasMessage("x: of type FP32, read as whole numbers");
  }
}
