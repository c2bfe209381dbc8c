package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a killed process was writing is deleted by the next; what a living one writes is not. */
class StagingTest {
  @TempDir private Path root;

  /** A process that begins a version, says so, and would go on when it is told to. */
  static final class Publisher {
    private Publisher() {}

    public static void main(String[] args) throws IOException {
      new ModelStore(Path.of(args[0]))
          .publish(
              "taste",
              "1",
              folder -> {
                Files.writeString(folder.resolve("model.safetensors"), "half");
                System.out.println("begun " + folder);
                System.in.read();
              },
              Map.of());
    }
  }

  private static Process publisher(Path root) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            Publisher.class.getName(),
            root.toString())
        .redirectErrorStream(true)
        .start();
  }

  /** Returns where a process writes, from what it says. */
  private static Path begun(BufferedReader said) throws IOException {
    StringBuilder other = new StringBuilder();
    for (String line = said.readLine(); line != null; line = said.readLine()) {
      if (line.startsWith("begun ")) {
        return Path.of(line.substring("begun ".length()));
      }
      other.append(line).append('\n');
    }
    throw new IllegalStateException("it ended: " + other);
  }

  private List<Path> staged() throws IOException {
    try (var files = Files.list(root.resolve(".staging"))) {
      return files.toList();
    }
  }

  @Test
  void whatAKilledProcessWroteIsDeletedAndWhatALivingOneWritesIsNot() throws Exception {
    Process process = publisher(root);
    try (BufferedReader said = process.inputReader()) {
      Path folder = begun(said);
      assertThat(folder.resolve("model.safetensors")).hasContent("half");

      new ModelStore(root).deleteLeftOver();
      assertThat(folder.resolve("model.safetensors")).as("its process lives").exists();

      process.destroyForcibly().waitFor();
      assertThat(folder.resolve("model.safetensors")).as("nobody tidied").exists();
      new ModelStore(root).deleteLeftOver();
      assertThat(staged()).isEmpty();
      assertThat(new ModelStore(root).list()).isEmpty();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void whatThisProcessWritesStaysAndIsStillItsOwnAfterwards() throws Exception {
    new ModelStore(root)
        .publish(
            "taste",
            "1",
            folder -> {
              new ModelStore(root).deleteLeftOver();
              assertThat(folder).exists();
              Files.writeString(folder.resolve("model.safetensors"), "whole");
              // as another process sees it: had looking ended the lock, it would be deleted there
              Process other = publisher(root);
              try (BufferedReader said = other.inputReader()) {
                assertThat(begun(said)).isNotEqualTo(folder);
                assertThat(folder.resolve("model.safetensors")).hasContent("whole");
              } finally {
                other.destroyForcibly().onExit().join();
              }
            },
            Map.of());
    assertThat(root.resolve("taste/1/model.safetensors")).hasContent("whole");
    new ModelStore(root).deleteLeftOver();
    assertThat(staged()).isEmpty();
  }
}
