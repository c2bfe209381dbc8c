package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.ballast.inference.store.ModelStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** doctor finds what is wrong, names it, and says how to mend it. */
class DoctorCommandTest {
  @TempDir private Path home = Path.of(".");

  /** What was found of a subject; missing if nothing was. */
  private static JsonNode finding(Cli.Result result, String subject) {
    for (JsonNode finding : result.json().path("findings")) {
      if (finding.path("subject").asText().equals(subject)) {
        return finding;
      }
    }
    return MissingNode.getInstance();
  }

  private Path publish(String name) throws IOException {
    return new ModelStore(home.resolve("models"))
        .publish(name, "1", folder -> Files.writeString(folder.resolve("weights"), "w"), Map.of())
        .folder();
  }

  @Test
  void whereAllIsWellEverythingLoadsAndPostgresAnswers() throws IOException {
    publish("java-tiny");

    Cli.Result result =
        Cli.run(home, Map.of("PATH", ""), "doctor", "--json", "--port", "0", "--http-port", "0");

    for (String subject :
        new String[] {
          "JDK", "libtorch", "ONNX Runtime", "tokenizers", "XGBoost", "PostgreSQL", "models"
        }) {
      assertThat(finding(result, subject).path("health").asText()).as(subject).isEqualTo("GOOD");
    }
    assertThat(finding(result, "models").path("detail").asText())
        .isEqualTo("1 versions, checksums match");
    assertThat(finding(result, "spool").isMissingNode()).as("nothing was set aside").isTrue();
    assertThat(finding(result, "Maven").path("health").asText()).isEqualTo("WEAK");
    assertThat(finding(result, "Maven").path("mend").asText()).contains("apt install maven");
  }

  @Test
  void aChangedWeightIsFoundAndNamed() throws IOException {
    Path folder = publish("java-tiny");
    Files.writeString(folder.resolve("weights"), "x");

    Cli.Result result = Cli.run(home, Map.of(), "doctor", "--json");

    assertThat(result.exit()).isEqualTo(1);
    JsonNode models = finding(result, "models");
    assertThat(models.path("health").asText()).isEqualTo("BROKEN");
    assertThat(models.path("detail").asText()).contains("java-tiny/1").contains("SHA-256");
    assertThat(models.path("mend").asText()).contains("git checkout models/");
  }

  @Test
  void damagedFilesOfASpoolAreSaidWithTheMend() throws IOException {
    Path spool = Files.createDirectories(home.resolve(".ballast/policy-spool"));
    Files.write(spool.resolve("0000000000000000007.spool.damaged"), new byte[] {1});

    JsonNode found = finding(Cli.run(home, Map.of(), "doctor", "--json"), "spool");

    assertThat(found.path("health").asText()).isEqualTo("WEAK");
    assertThat(found.path("detail").asText()).isEqualTo("1 damaged file in " + spool);
    assertThat(found.path("mend").asText()).contains("./mesh spool damaged");
  }

  @Test
  void aDataFolderThatOthersMayEnterIsSaidWithTheMend() throws IOException {
    Path data = Files.createDirectory(home.resolve(".ballast"));
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x---"));
    JsonNode open = finding(Cli.run(home, Map.of(), "doctor", "--json"), "data folder");
    assertThat(open.path("health").asText()).isEqualTo("WEAK");
    assertThat(open.path("detail").asText()).contains(data + " is open to other users");
    assertThat(open.path("mend").asText()).isEqualTo("chmod 700 " + data);

    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
    JsonNode closed = finding(Cli.run(home, Map.of(), "doctor", "--json"), "data folder");
    assertThat(closed.path("health").asText()).isEqualTo("GOOD");
  }

  @Test
  void withoutModelsTheMendIsToMakeThem() {
    Cli.Result result = Cli.run(home, Map.of(), "doctor");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).contains("MEND  models").contains("./mesh pretrain");
  }

  @Test
  void aPortInUseIsLookedAtButNotBroken() throws IOException {
    publish("java-tiny");
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Cli.Result result =
          Cli.run(
              home,
              Map.of(),
              "doctor",
              "--json",
              "--port",
              Integer.toString(socket.getLocalPort()));

      JsonNode port = finding(result, "gRPC port");
      assertThat(port.path("health").asText()).isEqualTo("WEAK");
      assertThat(port.path("mend").asText()).contains("./mesh up --port");
    }
  }
}
