package io.ballast.inference.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Blocks widen to the numbers that their bits say, and bit for bit as the reference has them. */
class GgufTypeTest {
  private static float[] widen(GgufType type, byte[] block) {
    assertThat(block).hasSize(type.blockBytes());
    float[] values = new float[type.blockNumbers()];
    type.read(MemorySegment.ofArray(block), 0, values, 0);
    return values;
  }

  private static byte[] block(GgufType type) {
    return new byte[type.blockBytes()];
  }

  private static void half(byte[] block, int at, float value) {
    short bits = Float.floatToFloat16(value);
    block[at] = (byte) bits;
    block[at + 1] = (byte) (bits >> 8);
  }

  @Test
  void wholeNumbersAreReadAsTheyAre() {
    byte[] four = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(-2.75f).array();
    assertThat(widen(GgufType.F32, four)).containsExactly(-2.75f);
    assertThat(widen(GgufType.BF16, new byte[] {four[2], four[3]})).containsExactly(-2.75f);
    byte[] two = block(GgufType.F16);
    half(two, 0, 0.333f);
    assertThat(widen(GgufType.F16, two))
        .containsExactly(Float.float16ToFloat(Float.floatToFloat16(0.333f)));
  }

  @Test
  void q40IsAScaleTimesFourBitsLessEight() {
    byte[] block = block(GgufType.Q4_0);
    half(block, 0, 2);
    block[2] = (byte) 0x81; // number 0 is 1, number 16 is 8
    float[] values = widen(GgufType.Q4_0, block);
    assertThat(values[0]).isEqualTo(2 * (1 - 8));
    assertThat(values[16]).isEqualTo(0);
    assertThat(values[31]).isEqualTo(2 * (0 - 8));
  }

  @Test
  void q41IsAScaleTimesFourBitsPlusTheLeast() {
    byte[] block = block(GgufType.Q4_1);
    half(block, 0, 0.5f);
    half(block, 2, -1);
    block[4 + 15] = 0x2F; // number 15 is 15, number 31 is 2
    float[] values = widen(GgufType.Q4_1, block);
    assertThat(values[15]).isEqualTo(0.5f * 15 - 1);
    assertThat(values[31]).isEqualTo(0.5f * 2 - 1);
    assertThat(values[0]).isEqualTo(-1);
  }

  @Test
  void q80IsAScaleTimesSignedBytes() {
    byte[] block = block(GgufType.Q8_0);
    half(block, 0, 0.5f);
    block[2] = -3;
    block[33] = 127;
    float[] values = widen(GgufType.Q8_0, block);
    assertThat(values[0]).isEqualTo(-1.5f);
    assertThat(values[31]).isEqualTo(63.5f);
  }

  @Test
  void q4kHasSixBitScalesAndMinimaInThreePlaces() {
    byte[] block = block(GgufType.Q4_K);
    half(block, 0, 1);
    half(block, 2, 1);
    int scales = 4;
    block[scales] = 3; // sub-block 0: scale 3
    block[scales + 4] = 2; // minimum 2
    // sub-block 5: scale 37 = 10·0101, minimum 19 = 01·0011
    block[scales + 9] = 0x35;
    block[scales + 1] = (byte) 0b1000_0000;
    block[scales + 5] = 0b0100_0000;
    block[16] = 7; // number 0
    block[16 + 64] = 0x40; // number 160, the first of sub-block 5
    float[] values = widen(GgufType.Q4_K, block);
    assertThat(values[0]).isEqualTo(3 * 7 - 2);
    assertThat(values[160]).isEqualTo(37 * 4 - 19);
  }

  @Test
  void q6kJoinsFourLowBitsWithTwoHighOnes() {
    byte[] block = block(GgufType.Q6_K);
    half(block, 208, 0.5f);
    block[192 + 13] = -4; // the scale of numbers 208 to 223
    block[64 + 16] = (byte) 0xA0; // 10
    block[128 + 32 + 16] = 0x20; // 2: 42 together, less 32
    float[] values = widen(GgufType.Q6_K, block);
    assertThat(values[208]).isEqualTo(0.5f * -4 * 10);
    assertThat(values[209]).isEqualTo(0.5f * -4 * -32);
  }

  /**
   * Blocks of bytes 37·i + 11 (mod 256) with sane scales, against {@code gguf.quants.dequantize} of
   * PyPI's gguf 0.19.0: the first number, one within, the last, and a checksum of all.
   */
  @Test
  void everyTypeAgreesWithTheReferenceBitForBit() {
    assertReference(GgufType.Q4_0, 0xfef3c770L, -1.5f, -0.5f, 0, 0, 0.5f);
    assertReference(GgufType.Q4_1, 0x1358c37bL, 2.25f, 1.5f, 1.5f, 0, 0.25f, 2, -1.5f);
    assertReference(GgufType.Q8_0, 0x830635e2L, 10.625f, -6.75f, -6, 0, 0.125f);
    assertReference(
        GgufType.Q4_K,
        0x3f7bfde4L,
        11.56793212890625f,
        -1.08636474609375f,
        1.70367431640625f,
        0,
        0.0371f,
        2,
        0.0213f);
    assertReference(
        GgufType.Q6_K,
        0x23d0ee1fL,
        -11.343452453613281f,
        4.05859375f,
        -0.475616455078125f,
        208,
        0.00793f);
  }

  private static void assertReference(
      GgufType type, long crc, float first, float seventeenth, float last, float... halves) {
    byte[] block = block(type);
    for (int i = 0; i < block.length; i++) {
      block[i] = (byte) (i * 37 + 11);
    }
    for (int i = 0; i < halves.length; i += 2) {
      half(block, (int) halves[i], halves[i + 1]);
    }
    float[] values = widen(type, block);
    assertThat(values[0]).isEqualTo(first);
    assertThat(values[17]).isEqualTo(seventeenth);
    assertThat(values[values.length - 1]).isEqualTo(last);
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    CRC32 sum = new CRC32();
    sum.update(bytes.array());
    assertThat(sum.getValue()).as("%s", type).isEqualTo(crc);
  }
}
