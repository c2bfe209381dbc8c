package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that only serve hold their matrices once, and compute what trained ones do. */
class TrainedWeightsTest {
  private static final List<CompletionGroup> GROUPS =
      List.of(
          new CompletionGroup(TokenIds.of(1, 2, 3), List.of(TokenIds.of(4, 5), TokenIds.of(6))));

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void servingTakesHalfAndGivesTheSame(boolean tied) {
    DecoderConfig config = tied ? TinyModels.CONFIG : TinyModels.UNTIED;
    ParameterLayout layout = new ParameterLayout(config);
    long matrices = layout.matrixSize();
    long vectors = layout.size() - matrices;
    long embedding = layout.embedding().size();
    try (TrainableDecoder model = TinyModels.trainable(config, Arithmetic.BFLOAT16_PRODUCTS);
        WeightsSnapshot snapshot = model.snapshot();
        TrainedWeights serving = new TrainedWeights(layout, Arithmetic.BFLOAT16_PRODUCTS, false);
        RotaryTable rotary = new RotaryTable(config, Arithmetic.BFLOAT16_PRODUCTS.full())) {
      snapshot.copyTo(serving);
      assertThat(serving.bytes()).isEqualTo(2 * matrices + 4 * (embedding + vectors));
      assertThat(model.weights().bytes()).isEqualTo(2 * (4 * (matrices + vectors) + 2 * matrices));
      assertThat(new GroupComputation(serving, rotary).scores(GROUPS))
          .isEqualTo(new GroupComputation(model.weights(), rotary).scores(GROUPS));
      assertThatThrownBy(serving::flat).isInstanceOf(IllegalStateException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 100, 1_000_000})
  void weightsMayComeInPieces(int piece) {
    ParameterLayout layout = new ParameterLayout(TinyModels.UNTIED);
    try (TrainableDecoder model =
            TinyModels.trainable(TinyModels.UNTIED, Arithmetic.BFLOAT16_PRODUCTS);
        TrainedWeights serving = new TrainedWeights(layout, Arithmetic.BFLOAT16_PRODUCTS, false);
        RotaryTable rotary =
            new RotaryTable(TinyModels.UNTIED, Arithmetic.BFLOAT16_PRODUCTS.full());
        NoGradGuard off = new NoGradGuard()) {
      for (long from = 0; from < layout.size(); from += piece) {
        try (PointerScope scope = new PointerScope()) {
          serving.write(
              from, model.weights().flat().narrow(0, from, Math.min(piece, layout.size() - from)));
        }
      }
      serving.changed();
      assertThat(new GroupComputation(serving, rotary).scores(GROUPS))
          .isEqualTo(new GroupComputation(model.weights(), rotary).scores(GROUPS));
    }
  }
}
