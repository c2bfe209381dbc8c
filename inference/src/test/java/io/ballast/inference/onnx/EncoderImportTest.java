package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An encoder is taken over as it is, and nothing is said of it that it does not do. */
class EncoderImportTest {
  private static final EncoderFiles FILES =
      EncoderFiles.of("model.onnx", List.of("model.onnx", "tokenizer.json")).orElseThrow();

  @TempDir private Path folder = Path.of(".");
  private Path source = Path.of(".");
  private Path target = Path.of(".");

  @BeforeEach
  void folders() throws IOException {
    source = Files.createDirectories(folder.resolve("source"));
    target = Files.createDirectories(folder.resolve("target"));
  }

  private EncoderDescription write(Optional<Pooling> pooling) throws IOException {
    return EncoderImport.write(source, FILES, target, pooling);
  }

  /** Replaces the small encoder's graph by the sum of its words. */
  private void writePooled(String output) throws IOException {
    SmallEncoder.write(source, "last_hidden_state", Double.NaN);
    OnnxGraph graph = new OnnxGraph("pooled");
    String ids = graph.input("input_ids", DataType.INT64, "B", "T");
    String table = graph.weight("words", new float[SmallEncoder.WORDS * 2], SmallEncoder.WORDS, 2);
    graph.output(output, graph.sum(graph.gather(table, ids), 1, false), "B", "2");
    SmallEncoder.write(source.resolve("model.onnx"), graph.model());
  }

  @Test
  void vectorsOfTokensBecomeOneAsWanted() throws IOException {
    for (String output : List.of("last_hidden_state", "token_embeddings")) {
      SmallEncoder.write(source, output, Double.NaN);
      assertThat(write(Optional.empty()).pooling()).contains(Pooling.MEAN);
      assertThat(write(Optional.of(Pooling.FIRST_TOKEN)).pooling()).contains(Pooling.FIRST_TOKEN);
      assertThat(target.resolve("1_Pooling/config.json"))
          .content()
          .isEqualTo("{\"pooling_mode_cls_token\": true}\n");
      Files.delete(target.resolve("1_Pooling/config.json"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 1_Pooling/config.json: empty (expected: JSON)",
        "{} | 1_Pooling/config.json: [] (expected: pooling_mode_mean_tokens, pooling_mode_cls_token",
        "{\"pooling_mode_lasttoken\": true} | 1_Pooling/config.json: last (expected: as wanted, mean)"
      })
  void aPoolingFileThatSaysAnotherOrNoneIsNamed(String config, String flaw) throws IOException {
    SmallEncoder.write(source, "last_hidden_state", Double.NaN);
    Files.createDirectories(target.resolve("1_Pooling"));
    Files.writeString(target.resolve("1_Pooling/config.json"), config);
    assertThatThrownBy(() -> write(Optional.of(Pooling.MEAN)))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageContaining(flaw);
  }

  @Test
  void aClassifierOfTokensIsNotGuessedTo() throws IOException {
    SmallClassifier.writeOfTokens(source, "value");
    assertThatThrownBy(() -> write(Optional.empty()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageEndingWith(
            "model.onnx: pooling: nobody says it (expected: mean, cls or last, as it was trained,"
                + " for the model's logits are of tokens)");
    EncoderDescription said = write(Optional.of(Pooling.LAST_TOKEN));
    assertThat(said.classifier()).isTrue();
    assertThat(said.pooling()).contains(Pooling.LAST_TOKEN);
  }

  @Test
  void aModelThatPoolsItselfTakesNoPooling() throws IOException {
    for (String output : List.of("sentence_embedding", "logits")) {
      writePooled(output);
      assertThat(write(Optional.empty()))
          .isEqualTo(
              new EncoderDescription(output.equals("logits"), 2, 512, Optional.empty(), false));
      for (Pooling wanted : Pooling.values()) {
        assertThatThrownBy(() -> write(Optional.of(wanted)))
            .as("%s, %s", output, wanted)
            .isInstanceOfSatisfying(
                ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
            .hasMessage(
                "pooling: the model pools itself, so that "
                    + wanted.code()
                    + " would change nothing (expected: none wanted)");
        Files.delete(target.resolve("1_Pooling/config.json"));
      }
    }
  }
}
