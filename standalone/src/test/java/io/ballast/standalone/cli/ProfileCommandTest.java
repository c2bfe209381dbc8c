package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** profile says what it cannot record; that it records is seen by {@code ProcessIT}. */
class ProfileCommandTest {
  @TempDir private Path folder = Path.of(".");

  private Cli.Result run(String... more) {
    String[] args = new String[more.length + 3];
    args[0] = "profile";
    args[1] = "--data";
    args[2] = folder.toString();
    System.arraycopy(more, 0, args, 3, more.length);
    return Cli.run(folder, Map.of(), args);
  }

  @Test
  void whereNoMeshUsesTheFolderThereIsNothingToRecord() {
    Cli.Result result = run();

    assertThat(result.exit()).isEqualTo(3);
    assertThat(result.err()).contains("no process of a mesh uses " + folder);
  }

  @Test
  void secondsAndRolesThatAreNoneAreRefused() {
    for (String seconds : new String[] {"0", "3601"}) {
      Cli.Result result = run("--seconds", seconds);
      assertThat(result.exit()).isEqualTo(2);
      assertThat(result.err()).contains("--seconds: " + seconds + " (expected: 1 to 3,600)");
    }
    Cli.Result result = run("--role", "judge");
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("--role: judge (expected: policy-server,");
  }

  @Test
  void whatAFlameGraphCannotBeOfOrGoToIsRefused() {
    Cli.Result event = run("--flame=heat");
    assertThat(event.exit()).isEqualTo(2);
    assertThat(event.err()).contains("--flame", "heat");

    Cli.Result elsewhere = run("--flame");
    assertThat(elsewhere.exit()).as("a mesh is looked for").isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, linux-x64",
    "Linux, aarch64, linux-arm64",
    "Linux, riscv64, linux-riscv64",
    "Mac OS X, aarch64, macos",
    "Windows 11, amd64, windows-11-x64",
  })
  void theLibraryIsThatOfTheSystem(String system, String processor, String folder) {
    assertThat(AsyncProfiler.platform(system, processor)).isEqualTo(folder);
  }

  @ParameterizedTest
  @CsvSource({"linux-x64, true", "linux-arm64, true", "macos, true", "linux-riscv64, false"})
  void someSystemsHaveOne(String platform, boolean there) {
    assertThat(getClass().getResource("/" + platform + "/libasyncProfiler.so") != null)
        .isEqualTo(there);
  }
}
