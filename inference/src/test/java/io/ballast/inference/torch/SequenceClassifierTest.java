package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A text's scores are its last token's state times the head's weights, whatever its company. */
class SequenceClassifierTest {
  private static final float[] SCORE = new float[3 * 16];

  static {
    for (int i = 0; i < SCORE.length; i++) {
      SCORE[i] = (i * 7 % 11 - 5) / 10f;
    }
  }

  @TempDir private Path folder;

  private void write(DecoderConfig config, long labels) throws IOException {
    List<Content> contents = new ArrayList<>(FamilyFolders.contents(config, 3));
    contents.removeIf(content -> content.name().equals("lm_head.weight"));
    contents.add(
        new Content("score.weight", WeightType.FLOAT32, List.of(3L, 16L), () -> SCORE.clone()));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    config.write(folder, WeightType.FLOAT32);
    ObjectMapper mapper = new ObjectMapper();
    Path file = folder.resolve("config.json");
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    json.putArray("architectures").add(config.family().classifierArchitecture());
    ObjectNode names = json.putObject("id2label");
    for (int k = 0; k < labels; k++) {
      names.put("" + k, "LABEL_" + k);
    }
    mapper.writeValue(file.toFile(), json);
  }

  @ParameterizedTest
  @EnumSource(DecoderFamily.class)
  void theScoresAreThoseOfPlainLoops(DecoderFamily family) throws IOException {
    DecoderConfig config = FamilyFolders.config(family);
    write(config, 3);
    List<TokenIds> texts =
        List.of(TokenIds.of(5, 9, 30), TokenIds.of(1), TokenIds.of(7, 7, 2, 39, 0, 4, 11));
    try (SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32)) {
      assertThat(classifier.labels()).isEqualTo(3);
      List<PerToken> scores = classifier.scores(texts);
      for (int i = 0; i < texts.size(); i++) {
        double[][] hidden = new ReferenceDecoder(config, folder).hidden(texts.get(i).toArray());
        for (int k = 0; k < 3; k++) {
          double expected = 0;
          for (int d = 0; d < 16; d++) {
            expected += hidden[hidden.length - 1][d] * SCORE[k * 16 + d];
          }
          assertThat((double) scores.get(i).get(k)).isCloseTo(expected, within(1e-5));
        }
      }
      assertThat(classifier.scores(List.of())).isEmpty();
    }
  }

  @Test
  void textsThatDoNotFitAreNamed() throws IOException {
    write(FamilyFolders.config(DecoderFamily.LLAMA), 3);
    try (SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> classifier.scores(List.of(TokenIds.of(1), TokenIds.of())))
          .hasMessage("texts[1]: 0 tokens (expected: 1 to 32)");
      assertThatThrownBy(() -> classifier.scores(List.of(TokenIds.of(new int[33]))))
          .hasMessage("texts[0]: 33 tokens (expected: 1 to 32)");
      assertThatThrownBy(() -> classifier.scores(List.of(TokenIds.of(1, 40))))
          .hasMessage("texts[0][1]: 40 (expected: ≥ 0 and < 40)");
    }
  }

  @Test
  void aFolderThatIsNoClassifierOrDisagreesIsRefused() throws IOException {
    FamilyFolders.write(folder, FamilyFolders.config(DecoderFamily.LLAMA), 1);
    assertThatThrownBy(() -> SequenceClassifier.load(folder, Arithmetic.FLOAT32))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(
            "architectures: LlamaForCausalLM (expected: LlamaForSequenceClassification)");
    write(FamilyFolders.config(DecoderFamily.LLAMA), 4);
    assertThatThrownBy(() -> SequenceClassifier.load(folder, Arithmetic.FLOAT32))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tensor score.weight: shape [3, 16] (expected: [4, 16])");
  }
}
