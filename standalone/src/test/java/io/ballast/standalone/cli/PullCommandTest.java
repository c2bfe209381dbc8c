package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.standalone.pull.TinyFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** pull says what came and how to serve it; up --policy finds it. */
class PullCommandTest {
  @TempDir private Path folder = Path.of(".");
  private Path source = Path.of(".");

  @BeforeEach
  void aFolder() throws IOException {
    source = TinyFolder.write(folder.resolve("tiny"));
  }

  private Cli.Result pull(String... more) {
    String[] args = new String[more.length + 1];
    args[0] = "pull";
    System.arraycopy(more, 0, args, 1, more.length);
    return Cli.run(folder, Map.of(), args);
  }

  @Test
  void whatCameIsSaidWithHowToServeIt() {
    Cli.Result result = pull(source.toString(), "--name", "small");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("weights: 100 %")
        .contains("small/1: llama, 0.0M parameters, context 32, in ")
        .endsWith("Serve it: ./mesh up --policy small/1" + System.lineSeparator());
    assertThat(ModelChoice.policy("small", List.of(folder.resolve(".ballast/models"))))
        .isEqualTo(new ModelChoice("small", "1"));
  }

  @Test
  void theDocumentSaysTheSame() {
    JsonNode json = pull(source.toString(), "--json", "--version", "3", "--weights", "bf16").json();

    assertThat(json.path("name").asText()).isEqualTo("tiny");
    assertThat(json.path("version").asText()).isEqualTo("3");
    assertThat(json.path("parameters").asLong()).isEqualTo(TinyFolder.CONFIG.parameterCount());
    assertThat(json.path("context_tokens").asInt()).isEqualTo(32);
  }

  @Test
  void aWrongSourceIsOneLine() {
    assertThat(pull("no/such/file.gguf").err())
        .isEqualTo(
            "mesh: no/such/file.gguf: there is no such file or folder, nor is it a repository,"
                + " owner/name, or a jar's group:artifact:version"
                + System.lineSeparator());
    Cli.Result noHub = pull("owner/name");
    assertThat(noHub.exit()).isEqualTo(2);
    assertThat(noHub.err()).contains("no hub to look for it: name one with --hub");
    assertThat(pull("owner/name", "--hub", "ftp://x").err())
        .contains("--hub: ftp://x (expected: https://host)");
    assertThat(pull(source.toString(), "--name", "../x").err()).contains("name: \"../x\"");
    assertThat(pull(source.toString(), "--weights", "q4").exit()).isEqualTo(2);
  }

  @Test
  void aModelThatLiesIsNamedAndNotServed() throws IOException {
    Files.writeString(source.resolve("config.json"), "{\"model_type\":\"falcon\"}");
    Cli.Result result = pull(source.toString(), "--json");
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.json().path("error").path("reason").asText()).isEqualTo("INVALID_FOLDER");
    assertThat(result.err()).contains("model_type: falcon (expected: one of [llama, mistral,");
  }

  @Test
  void aPolicyIsFoundByNameOrTheMendIsSaid() throws IOException {
    pull(source.toString());
    pull(source.toString(), "--version", "2");
    List<Path> roots = List.of(folder.resolve(".ballast/models"), folder.resolve("models"));

    assertThat(ModelChoice.policy("tiny/2", roots)).isEqualTo(new ModelChoice("tiny", "2"));
    Cli.Result several = Cli.run(folder, Map.of(), "up", "--policy", "tiny");
    assertThat(several.exit()).isEqualTo(2);
    assertThat(several.err()).contains("--policy: tiny: say which version: tiny/1, tiny/2");
    Cli.Result none = Cli.run(folder, Map.of(), "up", "--policy", "large");
    assertThat(none.exit()).isEqualTo(2);
    assertThat(none.err()).contains("there is no model large; there are: tiny; ./mesh pull brings");
    Path gate = Files.createDirectories(folder.resolve("models/gate/1"));
    Files.writeString(gate.resolve(ModelKind.GATE_FILE), "{}");
    Cli.Result other = Cli.run(folder, Map.of(), "up", "--policy", "gate/1");
    assertThat(other.exit()).isEqualTo(2);
    assertThat(other.err()).contains("--policy: gate/1: a gate, not a decoder");
  }
}
