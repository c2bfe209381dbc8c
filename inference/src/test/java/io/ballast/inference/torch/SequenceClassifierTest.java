package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A text's scores are its last token's state times the head's weights, whatever its company. */
class SequenceClassifierTest {
  private static final float[] SCORE = ClassifierFolders.SCORE;

  @TempDir private Path folder;

  private void write(DecoderConfig config, long labels) throws IOException {
    var unused = ClassifierFolders.write(folder, config, 3, labels);
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
  void whatEndsATextIsPassedOverWhereItIsPaddingToo() throws IOException {
    write(FamilyFolders.config(DecoderFamily.LLAMA), 3);
    ClassifierFolders.setPadding(folder, 3);
    try (SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32)) {
      List<PerToken> scores =
          classifier.scores(
              List.of(TokenIds.of(5, 9), TokenIds.of(5, 9, 3), TokenIds.of(5, 9, 3, 3, 3)));
      for (int k = 0; k < 3; k++) {
        assertThat(scores.get(1).get(k)).isCloseTo(scores.get(0).get(k), within(1e-5f));
        assertThat(scores.get(2).get(k)).isCloseTo(scores.get(0).get(k), within(1e-5f));
      }
      PerToken once = classifier.scores(List.of(TokenIds.of(3))).getFirst();
      PerToken twice = classifier.scores(List.of(TokenIds.of(3, 3))).getFirst();
      assertThat(twice.toArray()).containsExactly(once.toArray(), within(1e-5f));
    }
  }

  @Test
  void manyMayAskAtOnceAndNobodyAfterItWasClosed() throws Exception {
    write(FamilyFolders.config(DecoderFamily.LLAMA), 3);
    SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32);
    List<TokenIds> texts = List.of(TokenIds.of(5, 9, 30), TokenIds.of(1), TokenIds.of(7, 7, 2));
    List<PerToken> expected = classifier.scores(texts);
    try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
      List<Future<List<PerToken>>> asked = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        asked.add(callers.submit(() -> classifier.scores(texts)));
      }
      for (Future<List<PerToken>> one : asked) {
        assertThat(one.get()).isEqualTo(expected);
      }
    }
    classifier.close();
    classifier.close();
    assertThatThrownBy(() -> classifier.scores(texts))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CLOSED));
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
