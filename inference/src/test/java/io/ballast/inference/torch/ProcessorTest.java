package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.DecoderArithmetic;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a processor says of itself decides in what numbers decoders are computed. */
class ProcessorTest {
  @ParameterizedTest
  @CsvSource({
    "flags\t\t: fpu sse2 avx2 avx512f avx512_bf16 amx_tile,true",
    "flags\t\t: fpu sse2 avx512f amx_bf16,true",
    "flags\t\t: fpu sse2 avx2 fma,false",
    "flags\t\t: fpu sse2 avx512f avx512_vnni,false",
    "flags\t\t: fpu my_avx512_bf16_not,false",
    "bugs\t\t: avx512_bf16,false"
  })
  void bfloat16NeedsInstructionsForIt(String line, boolean has) {
    assertThat(Processor.multipliesBfloat16(Stream.of("processor\t: 0", line, "", line)))
        .isEqualTo(has);
  }

  @Test
  void aFileWithoutFlagsSaysNothing() {
    assertThat(Processor.multipliesBfloat16(Stream.empty())).isFalse();
  }

  @Test
  void aSettingIsTakenAtItsWord() {
    assertThat(Arithmetic.of(DecoderArithmetic.FLOAT32)).isEqualTo(Arithmetic.FLOAT32);
    assertThat(Arithmetic.of(DecoderArithmetic.BFLOAT16_PRODUCTS))
        .isEqualTo(Arithmetic.BFLOAT16_PRODUCTS);
    assertThat(Arithmetic.of(DecoderArithmetic.AUTO)).isEqualTo(Arithmetic.quickest());
  }
}
