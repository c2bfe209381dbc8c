package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Room is measured of the data folder and of the models in it, each where it lies. */
class DiskRoomTest {
  @TempDir private Path folder = Path.of(".");

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  @AfterEach
  void close() {
    meters.close();
  }

  @Test
  void eachFolderHasItsOwn() throws IOException {
    Files.createDirectories(folder.resolve("data/models"));
    DiskRoom.measure(folder.resolve("data"), meters);

    assertThat(meters.find("ballast.disk.free.bytes").gauges())
        .extracting(gauge -> gauge.getId().getTag("folder"))
        .containsExactlyInAnyOrder("data", "models");
    assertThat(free("data")).isPositive();
    assertThat(free("models")).isPositive();
  }

  /** Of a folder that is not there the system says no room at all, and somebody would be woken. */
  @Test
  void aFolderThatIsNotThereYetHasTheRoomOfItsParent() {
    DiskRoom.measure(folder.resolve("later"), meters);

    assertThat(folder.resolve("later").toFile().getUsableSpace()).isZero();
    assertThat(free("data")).isPositive();
    assertThat(free("models")).isPositive();
  }

  /** Devices are of a file system of their own, as the claim of models is in a pod. */
  @Test
  void modelsThatLieElsewhereAreMeasuredThere() throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    Path elsewhere = Path.of("/dev");
    Files.createSymbolicLink(data.resolve("models"), elsewhere);
    DiskRoom.measure(data, meters);

    assertThat(free("models")).isEqualTo(elsewhere.toFile().getUsableSpace());
    assertThat(free("data")).isPositive();
  }

  private double free(String name) {
    return meters.get("ballast.disk.free.bytes").tag("folder", name).gauge().value();
  }
}
