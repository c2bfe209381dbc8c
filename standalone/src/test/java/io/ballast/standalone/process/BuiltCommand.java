package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code ./mesh} as a person runs it, on the program as it is built. */
final class BuiltCommand {
  private static final long PATIENCE_SECONDS = 240;

  private BuiltCommand() {}

  /**
   * Runs a command, which must end well.
   *
   * @param work where its output goes meanwhile
   * @return what it printed, errors included
   */
  static String run(Path work, String... args) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(BuiltMesh.home().resolve("mesh").toString()));
    words.addAll(List.of(args));
    Path output = Files.createTempFile(work, "mesh", ".out");
    ProcessBuilder builder =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("BALLAST_BUILD", "no");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(output, StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }
}
