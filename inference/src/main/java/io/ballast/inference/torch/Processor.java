package io.ballast.inference.torch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/** What this machine's processor can do, as Linux tells it. */
final class Processor {
  private static final Path TOLD = Path.of("/proc/cpuinfo");
  private static final Set<String> BFLOAT16 = Set.of("avx512_bf16", "amx_bf16");

  private Processor() {}

  /**
   * Whether products in bfloat16 are quicker than in 32 bits. Where the instructions for them are
   * not there, they are made of others: 2 to 16 times as long from 8 rows on, with AVX2.
   */
  static boolean multipliesBfloat16() {
    try (Stream<String> lines = Files.lines(TOLD)) {
      return multipliesBfloat16(lines);
    } catch (IOException | UncheckedIOException e) { // not Linux: 32 bits are right everywhere
      return false;
    }
  }

  /** The same by the lines of {@code /proc/cpuinfo}. */
  static boolean multipliesBfloat16(Stream<String> lines) {
    return lines
        .filter(line -> line.startsWith("flags"))
        .limit(1)
        .flatMap(line -> Stream.of(line.split("\\s+")))
        .anyMatch(BFLOAT16::contains);
  }
}
