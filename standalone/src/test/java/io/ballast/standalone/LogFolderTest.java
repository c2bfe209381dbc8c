package io.ballast.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.file.OwnerOnly;
import io.quarkus.runtime.configuration.ConfigUtils;
import io.smallrye.config.PropertiesConfigSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.microprofile.config.Config;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process makes the folder of its log before Quarkus does, and nobody else enters it. */
class LogFolderTest {
  @TempDir private Path folder = Path.of("");

  /** What a process reads that is started on the data folder with more properties. */
  private static Config config(Path data, Map<String, String> more) {
    Map<String, String> properties = new HashMap<>(more);
    properties.put("ballast.data", data.toString());
    return ConfigUtils.configBuilder()
        .withSources(new PropertiesConfigSource(properties, "test", 1_000))
        .build();
  }

  @Test
  void aDataFolderThatIsMissingIsMadeWithItForTheirOwnerAlone() throws IOException {
    Path data = folder.resolve("made/data");

    assertThat(LogFolder.make(config(data, Map.of()))).isTrue();

    assertThat(OwnerOnly.isOpenToOthers(data)).isFalse();
    assertThat(data.resolve("logs")).isDirectory();
    assertThat(OwnerOnly.isOpenToOthers(data.resolve("logs"))).isFalse();
  }

  @Test
  void inADataFolderThatOthersMayEnterTheyMayNotEnterTheLogs() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));

    assertThat(LogFolder.make(config(folder, Map.of()))).isTrue();

    assertThat(OwnerOnly.isOpenToOthers(folder)).isTrue();
    assertThat(OwnerOnly.isOpenToOthers(folder.resolve("logs"))).isFalse();
  }

  @Test
  void aLogThatLiesElsewhereHasItsOwn() throws IOException {
    Path elsewhere = folder.resolve("elsewhere");
    Map<String, String> path =
        Map.of("quarkus.log.file.path", elsewhere.resolve("a.log").toString());

    assertThat(LogFolder.make(config(folder.resolve("data"), path))).isTrue();

    assertThat(OwnerOnly.isOpenToOthers(elsewhere)).isFalse();
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void nothingIsMadeWhereNothingIsLoggedToAFileOrNothingCanBe() throws IOException {
    Map<String, String> none = Map.of("quarkus.log.file.enabled", "false");
    assertThat(LogFolder.make(config(folder.resolve("data"), none))).isFalse();
    assertThat(folder.resolve("data")).doesNotExist();

    Path file = Files.createFile(folder.resolve("file"));
    assertThat(LogFolder.make(config(file, Map.of()))).isFalse();
  }
}
