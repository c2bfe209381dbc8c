package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** reward compose makes a version of a file, or names what is wrong by its JSON path. */
class ComposeCommandTest {
  private static final Path HOME = Path.of("..");
  private static final String MIX =
      """
      {
        "format": "ballast-composite",
        "components": {
          "taste": {"kind": "learned", "model": "java-reward", "version": "1"},
          "answer": {"kind": "exact", "numbers": true}
        },
        "reward": {"sum": [{"weight": 1, "of": "taste"}, {"weight": 2, "of": "answer"}]}
      }
      """;

  @TempDir private Path folder = Path.of(".");

  @Test
  void aFileBecomesAVersionThatPinsWhatItStandsOn() throws IOException {
    Cli.Result first = compose(MIX, "--name", "java-mix");

    assertThat(first.err()).isEmpty();
    assertThat(first.out().lines())
        .containsExactly(
            "component  kind     weight",
            "taste      learned  +1.000",
            "answer     exact    +2.000",
            "",
            "published: java-mix/1");
    String weights =
        ModelManifest.read(HOME.resolve("models/java-reward/1"))
            .flatMap(ModelManifest::weightsSha256)
            .orElseThrow();
    assertThat(folder.resolve("data/models/java-mix/1/composite.json"))
        .content()
        .contains("\"weights_sha256\" : \"" + weights + "\"");

    JsonNode second = compose(MIX, "--name", "java-mix", "--json").json();
    assertThat(second.path("version").asText()).isEqualTo("2");
    assertThat(second.path("sha256").asText()).hasSize(64);
    assertThat(second.path("components").get(1).path("kind").asText()).isEqualTo("exact");
    assertThat(run("models", "folders").out())
        .contains("composite", "a reward of taste (learned), answer (exact)");
  }

  @Test
  void whatIsWrongIsNamedByItsPathAndNothingAppears() throws IOException {
    Cli.Result result = compose(MIX.replace("exact", "exakt"), "--name", "java-mix");

    assertThat(result.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(result.err())
        .startsWith("mesh: mix.json: $.components.answer.kind: \"exakt\" (expected: \"learned\", ");
    assertThat(folder.resolve("data/models/java-mix")).doesNotExist();
    assertThat(run("reward", "compose", "nowhere.json", "--name", "x").err())
        .contains("nowhere.json: no file that can be read");
    assertThat(compose(MIX, "--name", "a/b/c").exit()).isEqualTo(Exit.USAGE.code());
  }

  private Cli.Result compose(String json, String... options) throws IOException {
    List<String> words = new ArrayList<>();
    words.addAll(
        List.of(
            "reward", "compose", Files.writeString(folder.resolve("mix.json"), json).toString()));
    words.addAll(List.of(options));
    return run(words.toArray(String[]::new));
  }

  private Cli.Result run(String... words) {
    return Cli.run(HOME, Map.of("BALLAST_DATA", folder.resolve("data").toString()), words);
  }
}
