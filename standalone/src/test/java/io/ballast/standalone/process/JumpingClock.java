package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;

/**
 * The time of day of processes, and of those that they start, which jumps when a test says so: by a
 * small library that the system loads before theirs. Clocks that go on evenly do not jump.
 */
final class JumpingClock {
  private static final String SOURCE = "standalone/src/test/clock/jumping-clock.c";

  private final Path library;
  private final Path file;
  private final LongBuffer secondsAhead;

  private JumpingClock(Path library, Path file, LongBuffer secondsAhead) {
    this.library = library;
    this.file = file;
    this.secondsAhead = secondsAhead;
  }

  /**
   * Compiles one, which says the time as it is.
   *
   * @param folder for its files, which processes need as long as they run
   */
  static JumpingClock compile(Path folder) throws IOException {
    Path library = folder.resolve("jumping-clock.so");
    compileTo(library);
    Path file = folder.resolve("seconds-ahead");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      LongBuffer secondsAhead =
          channel
              .map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES)
              .order(ByteOrder.nativeOrder())
              .asLongBuffer();
      return new JumpingClock(library, file, secondsAhead);
    }
  }

  private static void compileTo(Path library) throws IOException {
    Process compiler;
    try {
      compiler =
          new ProcessBuilder(
                  "cc",
                  "-shared",
                  "-fPIC",
                  "-O2",
                  "-Wall",
                  "-Werror",
                  "-o",
                  library.toString(),
                  BuiltMesh.home().resolve(SOURCE).toString(),
                  "-ldl")
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      throw new AssertionError("a clock that jumps takes a C compiler, cc: apt install gcc", e);
    }
    String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(compiler.onExit().join().exitValue()).as("cc said: %s", said).isZero();
  }

  /** What the environment of a process has to have, whose clock this is. */
  Map<String, String> environment() {
    return Map.of("LD_PRELOAD", library.toString(), "JUMPING_CLOCK", file.toString());
  }

  /** Sets it so far ahead of the time as it is, in whole seconds; behind, if that is negative. */
  void set(Duration ahead) {
    secondsAhead.put(0, ahead.toSeconds());
  }
}
