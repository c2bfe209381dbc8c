package io.ballast.testing.fuzz;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Damages bytes the way that fuzzers do. */
final class ByteMutations {
  /** The length of a field that would take 2 GiB, and one of more than 64 bits, as varints. */
  private static final byte[][] LENGTHS = {
    {(byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x07},
    {
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      (byte) 0xFF,
      0x7F
    }
  };

  private final RandomGenerator random;

  ByteMutations(RandomGenerator random) {
    this.random = random;
  }

  /** Bytes of no meaning. */
  byte[] noise() {
    byte[] bytes = new byte[random.nextInt(200)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** The bytes with one to four kinds of damage. */
  byte[] damaged(byte[] whole) {
    byte[] bytes = whole.clone();
    int times = 1 + random.nextInt(4);
    for (int i = 0; i < times; i++) {
      bytes = damagedOnce(bytes);
    }
    return bytes;
  }

  private byte[] damagedOnce(byte[] bytes) {
    if (bytes.length == 0) {
      return noise();
    }
    int at = random.nextInt(bytes.length);
    int end = at + 1 + random.nextInt(Math.min(16, bytes.length - at));
    return switch (random.nextInt(6)) {
      case 0 -> {
        bytes[at] ^= (byte) (1 << random.nextInt(8));
        yield bytes;
      }
      case 1 -> {
        bytes[at] = (byte) random.nextInt(256);
        yield bytes;
      }
      case 2 -> Arrays.copyOf(bytes, at);
      case 3 -> spliced(bytes, at, end, new byte[0]);
      case 4 -> spliced(bytes, at, at, Arrays.copyOfRange(bytes, at, end));
      default -> spliced(bytes, at, at + 1, LENGTHS[random.nextInt(LENGTHS.length)]);
    };
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] instead) {
    byte[] spliced = Arrays.copyOf(bytes, bytes.length - (to - from) + instead.length);
    System.arraycopy(instead, 0, spliced, from, instead.length);
    System.arraycopy(bytes, to, spliced, from + instead.length, bytes.length - to);
    return spliced;
  }
}
