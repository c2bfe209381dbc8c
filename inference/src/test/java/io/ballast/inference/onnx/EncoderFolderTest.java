package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a folder says of itself is honoured or refused, and never passed over. */
class EncoderFolderTest {
  private static final String MODULE = "{\"idx\": 0, \"path\": \"\", \"type\": \"%s\"}";

  @TempDir Path folder;

  @BeforeEach
  void files() throws IOException {
    write("model.onnx", "");
    write("tokenizer.json", "{}");
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void modules(String... types) throws IOException {
    StringBuilder list = new StringBuilder();
    for (String type : types) {
      list.append(list.isEmpty() ? "" : ", ").append(MODULE.formatted(type));
    }
    write("modules.json", "[" + list + "]");
  }

  private void refused(String message) {
    assertThatThrownBy(() -> EncoderFolder.read(folder))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageEndingWith(message);
  }

  @Test
  void aFolderThatSaysNothingIsOfLengthOneAndLeavesPoolingOpen() {
    EncoderFolder said = EncoderFolder.read(folder);
    assertThat(said.pooling()).isEmpty();
    assertThat(said.normalized()).isTrue();
    assertThat(said.maxTokens()).isEqualTo(512);
  }

  @Test
  void modulesSayWhetherVectorsAreScaled() throws IOException {
    modules(
        "sentence_transformers.models.Transformer",
        "sentence_transformers.models.Pooling",
        "sentence_transformers.models.Normalize");
    assertThat(EncoderFolder.read(folder).normalized()).isTrue();

    modules("sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling");
    assertThat(EncoderFolder.read(folder).normalized()).isFalse();
  }

  @Test
  void aModuleThatWouldDoMoreIsRefusedByName() throws IOException {
    modules(
        "sentence_transformers.models.Transformer",
        "sentence_transformers.models.Pooling",
        "sentence_transformers.models.Dense",
        "sentence_transformers.models.Normalize");
    refused(
        "modules.json: [2].type: 'sentence_transformers.models.Dense' (expected: one of"
            + " [Transformer, Pooling, Normalize])");
  }

  @Test
  void thereIsOneWayOfPooling() throws IOException {
    write("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true}");
    assertThat(EncoderFolder.read(folder).pooling()).contains(Pooling.FIRST_TOKEN);

    write(
        "1_Pooling/config.json",
        "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}");
    refused(
        "1_Pooling/config.json: [pooling_mode_cls_token, pooling_mode_mean_tokens] (expected:"
            + " pooling_mode_mean_tokens, pooling_mode_cls_token or pooling_mode_lasttoken, and no"
            + " other)");

    write("1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}");
    refused(
        "1_Pooling/config.json: [pooling_mode_max_tokens] (expected: pooling_mode_mean_tokens,"
            + " pooling_mode_cls_token or pooling_mode_lasttoken, and no other)");
  }

  @Test
  void positionsOfPaddingHoldNoText() throws IOException {
    String config =
        "{\"model_type\": \"%s\", \"max_position_embeddings\": 514, \"pad_token_id\": 1}";
    write("config.json", config.formatted("xlm-roberta"));
    assertThat(EncoderFolder.read(folder).maxTokens()).isEqualTo(512);

    write("config.json", config.formatted("bert"));
    assertThat(EncoderFolder.read(folder).maxTokens()).isEqualTo(514);

    write("config.json", config.formatted("roberta").replace("_id\": 1", "_id\": 513"));
    refused("max_seq_length: 0 (expected: ≥ 1)");
  }

  @Test
  void aTextIsNoLongerThanPositionsAllow() throws IOException {
    write("config.json", "{\"max_position_embeddings\": 128}");
    write("sentence_bert_config.json", "{\"max_seq_length\": 64}");
    assertThat(EncoderFolder.read(folder).maxTokens()).isEqualTo(64);

    write("sentence_bert_config.json", "{\"max_seq_length\": 256}");
    assertThat(EncoderFolder.read(folder).maxTokens()).isEqualTo(128);
  }
}
