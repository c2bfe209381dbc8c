package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.standalone.pull.FakeMaven;
import io.ballast.standalone.pull.MavenPullTest;
import io.ballast.standalone.pull.TinyEncoder;
import io.ballast.standalone.pull.TinyFolder;
import java.net.JarURLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** pull brings an encoder, models folders describes it, models encode shows it at work. */
class EncoderCommandsTest {
  @TempDir private Path folder = Path.of(".");

  private Cli.Result run(String... args) {
    return Cli.run(folder, Map.of(), args);
  }

  @Test
  void anEncoderIsPulledListedAndTried() throws Exception {
    Path source = TinyEncoder.write(folder.resolve("compass"));

    Cli.Result pulled = run("pull", source.toString());
    assertThat(pulled.exit()).isZero();
    assertThat(pulled.out())
        .contains("compass/1: encoder in ONNX, 2 numbers a text (mean of tokens), at most 512")
        .contains("Try it: ./mesh models encode compass/1 \"one text\" \"another\"");

    // mean of (1, 0) and (0, 1) is (½, ½), of length √½: its cosine with either is √½
    Cli.Result encoded =
        run("models", "encode", "compass", "east", "north", "north east", "west", "up");
    assertThat(encoded.exit()).isZero();
    assertThat(encoded.out().lines().toList())
        .containsExactly(
            "cosine       1      2       3       4  5",
            "     1   1.000  0.000   0.707  -1.000  –",
            "     2   0.000  1.000   0.707   0.000  –",
            "     3   0.707  0.707   1.000  -0.707  –",
            "     4  -1.000  0.000  -0.707   1.000  –",
            "     5       –      –       –       –  –",
            "1: east",
            "2: north",
            "3: north east",
            "4: west",
            "5: up");

    JsonNode json = run("models", "encode", "compass/1", "east", "house", "--json").json();
    // (3, 4) has the length 5
    assertThat(json.path("texts").path(1).path("values").path(0).asDouble())
        .isCloseTo(0.6, within(1e-6));
    assertThat(json.path("cosines").path(0).path(1).asDouble()).isCloseTo(0.6, within(1e-6));
    assertThat(json.path("width").asInt()).isEqualTo(2);
  }

  @Test
  void aTextThatCannotBeEncodedFailsAlone() throws Exception {
    run("pull", TinyEncoder.write(folder.resolve("compass")).toString());

    Cli.Result result = run("models", "encode", "compass", "east", "");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).contains("1: east").contains("2: none: texts[1]: empty");
    JsonNode json = run("models", "encode", "compass", "east", "", "--json").json();
    assertThat(json.path("texts").path(1).path("refusal").path("reason").asText())
        .isEqualTo("EMPTY");
    assertThat(json.path("cosines").path(0).path(1).isNull()).isTrue();
  }

  @Test
  void foldersSayWhatTheyHold() throws Exception {
    run("pull", TinyEncoder.write(folder.resolve("compass")).toString());
    run("pull", TinyFolder.write(folder.resolve("tiny")).toString());
    Path gate = Files.createDirectories(folder.resolve("models/gate/1"));
    Files.writeString(gate.resolve("gate.json"), "{}");
    Path odd = Files.createDirectories(folder.resolve("models/odd/1"));
    Files.writeString(odd.resolve("config.json"), "{\"model_type\":\"falcon\"}");

    List<String> lines = run("models", "folders").out().lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.get(1)).matches("compass/1 +encoder +0\\.0 +compass +encoder in ONNX, 2 .*");
    assertThat(lines.get(2)).matches("tiny/1 +decoder +0\\.0 +tiny +llama, 0\\.0M parameters, .*");
    assertThat(lines.get(3)).matches("gate/1 +gate +0\\.0 +– +a gate");
    assertThat(lines.get(4)).contains("odd/1").contains("broken").contains("model_type: falcon");

    JsonNode json = run("models", "folders", "--json").json().path("folders");
    assertThat(json).hasSize(4);
    assertThat(json.path(0).path("max_tokens").asInt()).isEqualTo(512);
    assertThat(json.path(0).path("kind").asText()).isEqualTo("encoder");
  }

  @Test
  void whatIsNoEncoderIsNamed() throws Exception {
    run("pull", TinyFolder.write(folder.resolve("tiny")).toString());
    Cli.Result result = run("models", "encode", "tiny", "east");
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("tiny/1: a decoder, not an encoder");
    assertThat(run("models", "encode", "none", "east").err()).contains("there is no model none");
    assertThat(run("pull", folder.resolve("tiny").toString(), "--pooling", "max").err())
        .contains("--pooling: max (expected: mean, cls or last)");
  }

  @Test
  void aJarIsFetchedFromTheRepositoryThatIsNamed() throws Exception {
    String jar = "org/example/compass/1.0/compass-1.0.jar";
    try (FakeMaven maven = new FakeMaven().putWithChecksum(jar, MavenPullTest.jar(folder))) {
      Cli.Result named =
          run("pull", "org.example:compass:1.0", "--maven", maven.address().toString());
      assertThat(named.err()).isEmpty();
      assertThat(named.out()).contains("compass-q/1: encoder in ONNX, 2 numbers a text");
      Cli.Result configured =
          Cli.run(
              folder,
              Map.of("BALLAST_MAVEN", maven.address().toString()),
              "pull",
              "org.example:compass:1.0",
              "--version",
              "2");
      assertThat(configured.out()).contains("compass-q/2: encoder in ONNX");
    }
    Cli.Result nowhere = run("pull", "org.example:compass:1.0");
    assertThat(nowhere.exit()).isEqualTo(2);
    assertThat(nowhere.err())
        .contains("no Maven repository to look for it: name one with --maven, or export")
        .contains("BALLAST_MAVEN=https://…");
  }

  @Test
  void allMiniLmComesOutOfTheJarThatMavenBrought() throws Exception {
    JarURLConnection connection =
        (JarURLConnection)
            Objects.requireNonNull(
                    EncoderCommandsTest.class.getResource("/all-minilm-l6-v2-q.onnx"))
                .openConnection();
    Path jar = Path.of(connection.getJarFileURL().toURI());

    Cli.Result pulled = run("pull", jar.toString(), "--name", "minilm");
    assertThat(pulled.err()).isEmpty();
    assertThat(pulled.out())
        .contains(
            "minilm/1: encoder in ONNX, 384 numbers a text (mean of tokens), at most 512 tokens,"
                + " one text at a time");

    JsonNode json =
        run(
                "models",
                "encode",
                "minilm",
                "--json",
                "A cat sits on the mat.",
                "A feline rests on a rug.",
                "The compiler reports an unresolved symbol in the linked object file.")
            .json();
    JsonNode first = json.path("cosines").path(0);
    // as onnxruntime and tokenizers say in Python
    assertThat(first.path(1).asDouble()).isCloseTo(0.575, within(0.02));
    assertThat(first.path(2).asDouble()).isCloseTo(0.041, within(0.02));
  }
}
