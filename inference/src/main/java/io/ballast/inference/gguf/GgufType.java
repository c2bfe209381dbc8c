package io.ballast.inference.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a GGUF file holds numbers: blocks of a fixed count in a fixed number of bytes.
 *
 * <p>Source: the GGUF format of the ggml project; the K types are its "k-quants". Each is computed
 * in 32 bits, in the order in which the reference does, so that the numbers are the same.
 */
enum GgufType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q6_K(14, 256, 210),
  BF16(30, 1, 2);

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Names of types that exist and are not read, for messages. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry(6, "Q5_0"),
          Map.entry(7, "Q5_1"),
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(13, "Q5_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(20, "IQ4_NL"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"));

  private final int code;
  private final int blockNumbers;
  private final int blockBytes;

  GgufType(int code, int blockNumbers, int blockBytes) {
    this.code = code;
    this.blockNumbers = blockNumbers;
    this.blockBytes = blockBytes;
  }

  /** Numbers in a block. */
  int blockNumbers() {
    return blockNumbers;
  }

  /** Bytes of a block. */
  int blockBytes() {
    return blockBytes;
  }

  static Optional<GgufType> of(int code) {
    return Arrays.stream(values()).filter(type -> type.code == code).findFirst();
  }

  /** What a code is called, known or not. */
  static String nameOf(int code) {
    return of(code).map(GgufType::name).orElse(OTHERS.getOrDefault(code, "" + code));
  }

  static List<GgufType> known() {
    return List.of(values());
  }

  /**
   * Widens the numbers of one block.
   *
   * @param data where the block lies
   * @param from the block's first byte
   * @param values receives {@link #blockNumbers} numbers
   * @param at index of the first of them
   */
  void read(MemorySegment data, long from, float[] values, int at) {
    switch (this) {
      case F32 -> values[at] = Float.intBitsToFloat(data.get(INT, from));
      case F16 -> values[at] = half(data, from);
      case BF16 -> values[at] = Float.intBitsToFloat(data.get(SHORT, from) << 16);
      case Q4_0 -> {
        float scale = half(data, from);
        for (int i = 0; i < 16; i++) {
          int both = octet(data, from + 2 + i);
          values[at + i] = scale * ((both & 0xF) - 8);
          values[at + i + 16] = scale * ((both >> 4) - 8);
        }
      }
      case Q4_1 -> {
        float scale = half(data, from);
        float least = half(data, from + 2);
        for (int i = 0; i < 16; i++) {
          int both = octet(data, from + 4 + i);
          values[at + i] = scale * (both & 0xF) + least;
          values[at + i + 16] = scale * (both >> 4) + least;
        }
      }
      case Q8_0 -> {
        float scale = half(data, from);
        for (int i = 0; i < 32; i++) {
          values[at + i] = scale * data.get(ValueLayout.JAVA_BYTE, from + 2 + i);
        }
      }
      case Q4_K -> readQ4K(data, from, values, at);
      case Q6_K -> readQ6K(data, from, values, at);
    }
  }

  /**
   * Eight sub-blocks of 32, each with a scale and a minimum of six bits: those of the first four
   * stand in the low bits of bytes 0 to 3 and 4 to 7; of the last four, four bits stand in bytes 8
   * to 11 and the upper two in the upper bits of the first eight.
   */
  private static void readQ4K(MemorySegment data, long from, float[] values, int at) {
    float scale = half(data, from);
    float least = half(data, from + 2);
    long scales = from + 4;
    long numbers = scales + 12;
    for (int sub = 0; sub < 8; sub++) {
      int sixScale;
      int sixLeast;
      if (sub < 4) {
        sixScale = octet(data, scales + sub) & 63;
        sixLeast = octet(data, scales + 4 + sub) & 63;
      } else {
        int low = octet(data, scales + 4 + sub);
        sixScale = (low & 0xF) | (octet(data, scales + sub - 4) >> 6 << 4);
        sixLeast = (low >> 4) | (octet(data, scales + sub) >> 6 << 4);
      }
      float step = scale * sixScale;
      float shift = least * sixLeast;
      int lift = sub % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int number = octet(data, numbers + sub / 2 * 32 + i) >> lift & 0xF;
        values[at + sub * 32 + i] = step * number - shift;
      }
    }
  }

  /** Sixteen sub-blocks of 16, each with a signed scale; four low bits and two high ones apart. */
  private static void readQ6K(MemorySegment data, long from, float[] values, int at) {
    float scale = half(data, from + 208);
    for (int half = 0; half < 2; half++) {
      long low = from + half * 64L;
      long high = from + 128 + half * 32L;
      long scales = from + 192 + half * 8L;
      for (int quarter = 0; quarter < 4; quarter++) {
        for (int i = 0; i < 32; i++) {
          int four = octet(data, low + quarter % 2 * 32 + i) >> quarter / 2 * 4 & 0xF;
          int two = octet(data, high + i) >> quarter * 2 & 3;
          float step = scale * data.get(ValueLayout.JAVA_BYTE, scales + quarter * 2 + i / 16);
          values[at + half * 128 + quarter * 32 + i] = step * ((four | two << 4) - 32);
        }
      }
    }
  }

  private static float half(MemorySegment data, long from) {
    return Float.float16ToFloat(data.get(SHORT, from));
  }

  private static int octet(MemorySegment data, long from) {
    return data.get(ValueLayout.JAVA_BYTE, from) & 0xFF;
  }
}
