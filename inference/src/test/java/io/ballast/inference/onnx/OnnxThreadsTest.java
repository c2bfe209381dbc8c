package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * ONNX Runtime gets the threads that we say, and by default we say as many as Java counts cores,
 * which knows the limits of containers; left to itself it would take all cores of the machine.
 */
class OnnxThreadsTest {
  @TempDir private Path folder = Path.of(".");

  /** Prints the default of threads, and how many threads a session with as many starts. */
  static final class Count {
    public static void main(String[] args) throws IOException {
      int threads = EncoderOptions.defaults().threads();
      new GuardedSession(Path.of(args[0]), 1).close(); // loads the library
      long before = tasks();
      try (GuardedSession session = new GuardedSession(Path.of(args[0]), threads)) {
        System.out.println(threads + " " + (tasks() - before) + session.inputs());
      }
    }

    private static long tasks() throws IOException {
      try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
        return tasks.count();
      }
    }
  }

  private String count(int cores) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    // nobody else starts threads: no compiler, no collector of its own
                    "-Xint",
                    "-XX:+UseSerialGC",
                    "-XX:ActiveProcessorCount=" + cores,
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Count.class.getName(),
                    folder.resolve("model.onnx").toString()))
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said.strip();
  }

  @Test
  void aSessionHasAsManyThreadsAsTheProcessHasCoresItsCallersIncluded() throws Exception {
    OnnxGraph graph = new OnnxGraph("small");
    String numbers = graph.input("numbers", DataType.FLOAT, "B");
    graph.output("negative", graph.apply("Neg", numbers), "B");
    Files.write(folder.resolve("model.onnx"), graph.model().toByteArray());

    assertThat(count(1)).isEqualTo("1 0[numbers]");
    assertThat(count(3)).isEqualTo("3 2[numbers]");
  }
}
