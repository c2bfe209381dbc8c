package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Groups share their prompt's computation, and that changes neither scores nor gradients. */
class GroupComputationTest {
  private static final CompletionGroup THREE =
      new CompletionGroup(
          TokenIds.of(3, 17, 5, 9),
          List.of(TokenIds.of(1, 2, 3, 4, 5), TokenIds.of(30), TokenIds.of(8, 8, 0)));
  private static final CompletionGroup TWO =
      new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(), TokenIds.of(7, 6)));
  private static final List<CompletionGroup> GROUPS = List.of(THREE, TWO);

  /** Unequal weights, so that a gradient at the wrong token would show. */
  private static TokenGradients unequal(GroupScores scores) {
    List<PerToken> byLogProbs = new ArrayList<>();
    List<PerToken> byEntropies = new ArrayList<>();
    float next = 0.5f;
    for (PerToken logProbs : scores.logProbs()) {
      float[] w = new float[logProbs.size()];
      float[] v = new float[logProbs.size()];
      for (int t = 0; t < w.length; t++) {
        w[t] = next;
        v[t] = 0.25f - next / 2;
        next = -next * 0.75f;
      }
      byLogProbs.add(PerToken.of(w));
      byEntropies.add(PerToken.of(v));
    }
    return new TokenGradients(byLogProbs, byEntropies);
  }

  private static double loss(TrainableDecoder decoder) {
    double loss = 0;
    for (GroupScores scores : decoder.scores(GROUPS)) {
      TokenGradients gradients = unequal(scores);
      for (int g = 0; g < scores.logProbs().size(); g++) {
        for (int t = 0; t < scores.logProbs().get(g).size(); t++) {
          loss +=
              (double) gradients.byLogProbs().get(g).get(t) * scores.logProbs().get(g).get(t)
                  + (double) gradients.byEntropies().get(g).get(t)
                      * scores.entropies().get(g).get(t);
        }
      }
    }
    return loss;
  }

  @Test
  void packedScoresEqualThoseOfEachCompletionAlone() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      List<GroupScores> packed = decoder.scores(GROUPS);
      for (int i = 0; i < GROUPS.size(); i++) {
        CompletionGroup group = GROUPS.get(i);
        for (int g = 0; g < group.size(); g++) {
          CompletionGroup alone =
              new CompletionGroup(group.prompt(), List.of(group.completions().get(g)));
          GroupScores scores = decoder.scores(List.of(alone)).getFirst();
          assertThat(packed.get(i).logProbs().get(g).toArray())
              .containsExactly(scores.logProbs().getFirst().toArray(), within(1e-4f));
          assertThat(packed.get(i).entropies().get(g).toArray())
              .containsExactly(scores.entropies().getFirst().toArray(), within(1e-4f));
        }
      }
    }
  }

  /**
   * Eight completions, so that they are computed side by side; {@code uneven}: of 4 or 5 tokens.
   */
  private static CompletionGroup eight(boolean uneven) {
    List<TokenIds> completions = new ArrayList<>();
    for (int g = 0; g < 8; g++) {
      int size = uneven ? 4 + g % 2 : 5;
      completions.add(
          TokenIds.of(IntStream.range(0, size).map(t -> (7 * t + size) % 40).toArray()));
    }
    return new CompletionGroup(TokenIds.of(3, 17, 5), completions);
  }

  /** Of each completion of a group alone. */
  private static Stream<TokenGradients> each(TokenGradients ofGroup) {
    return IntStream.range(0, ofGroup.byLogProbs().size())
        .mapToObj(
            g ->
                new TokenGradients(
                    List.of(ofGroup.byLogProbs().get(g)), List.of(ofGroup.byEntropies().get(g))));
  }

  @Test
  void manyCompletionsOfALongPromptAreMaskedAndNotCopied() {
    TokenIds prompt = TokenIds.of(IntStream.range(0, 20).toArray());
    List<TokenIds> completions = Collections.nCopies(40, TokenIds.of(1, 2, 3));
    // 100 tokens are over three times the 22 that one sees; side by side there would be 880

    assertThat(
            new PackedGroups(List.of(new CompletionGroup(prompt, completions)))
                .attention(ScalarType.Double))
        .isNotInstanceOf(GroupedAttention.class);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void completionsSideBySideEqualEachAloneInScoresAndGradients(boolean uneven) {
    CompletionGroup group = eight(uneven);
    CompletionGroup shorter =
        new CompletionGroup(TokenIds.of(9), group.completions().subList(0, 5));
    CompletionGroup ofOneToken =
        new CompletionGroup(TokenIds.of(8, 2), List.of(TokenIds.of(4), TokenIds.of(5)));
    List<CompletionGroup> groups = List.of(group, shorter, ofOneToken);
    List<CompletionGroup> alone = new ArrayList<>();
    for (CompletionGroup each : groups) {
      each.completions()
          .forEach(one -> alone.add(new CompletionGroup(each.prompt(), List.of(one))));
    }
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT64);
        PointerScope scope = new PointerScope()) {
      assertThat(new PackedGroups(groups).attention(ScalarType.Double))
          .isInstanceOf(GroupedAttention.class);
      List<PerToken> together =
          decoder.forwardBackward(groups, (index, scores) -> unequal(scores)).stream()
              .flatMap(scores -> scores.logProbs().stream())
              .toList();
      double[] gradients = flat(decoder.weights().flatGradients());
      List<TokenGradients> weights =
          decoder.scores(groups).stream()
              .map(GroupComputationTest::unequal)
              .flatMap(GroupComputationTest::each)
              .toList();
      decoder.clearGradients();
      List<PerToken> apart =
          decoder.forwardBackward(alone, (index, scores) -> weights.get(index)).stream()
              .flatMap(scores -> scores.logProbs().stream())
              .toList();

      for (int i = 0; i < alone.size(); i++) {
        assertThat(together.get(i).toArray())
            .containsExactly(apart.get(i).toArray(), within(1e-6f));
      }
      assertThat(flat(decoder.weights().flatGradients())).containsExactly(gradients, within(1e-10));
    }
  }

  @Test
  void gradientsAgreeWithCentralDifferences() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT64)) {
      decoder.forwardBackward(GROUPS, (index, scores) -> unequal(scores));
      double[] gradients = flat(decoder.weights().flatGradients());
      // scores cross the border as floats, so differences are coarse: a step of 0.01
      double step = 0.01;
      for (int at = 3; at < gradients.length; at += 397) {
        double up = lossWith(decoder, at, step);
        double down = lossWith(decoder, at, -step);
        assertThat(gradients[at])
            .as("weight %d", at)
            .isCloseTo((up - down) / (2 * step), within(2e-3));
      }
    }
  }

  @Test
  void nextTokenGradientsAgreeWithCentralDifferencesInDouble() {
    // mean cross-entropy crosses the border as a double, so here the step can be small
    int[][] row = {{11, 7, 6, 30, 2, 2, 19, 0, 5}};
    CompletionGroup group =
        new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(7, 6, 30, 2, 2, 19, 0, 5)));
    float[] byLogProb = new float[8];
    Arrays.fill(byLogProb, -1 / 8f);
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT64)) {
      decoder.forwardBackward(
          List.of(group),
          (index, scores) -> TokenGradients.ofLogProbs(List.of(PerToken.of(byLogProb))));
      double[] gradients = flat(decoder.weights().flatGradients());
      double step = 1e-5;
      for (int at = 3; at < gradients.length; at += 97) {
        shift(decoder, at, step);
        double up = decoder.meanLoss(row);
        shift(decoder, at, -2 * step);
        double down = decoder.meanLoss(row);
        shift(decoder, at, step);
        assertThat(gradients[at])
            .as("weight %d", at)
            .isCloseTo((up - down) / (2 * step), within(1e-8));
      }
    }
  }

  private static double lossWith(TrainableDecoder decoder, int at, double change) {
    shift(decoder, at, change);
    double loss = loss(decoder);
    shift(decoder, at, -change);
    return loss;
  }

  private static void shift(TrainableDecoder decoder, int at, double change) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flat().narrow(0, at, 1).add_(new Scalar(change));
      decoder.weights().changed();
    }
  }

  private static double[] flat(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Tensors.doubles(tensor);
    }
  }

  @Test
  void withEqualNegativeWeightsItReducesToNextTokenTraining() {
    // mean cross-entropy of [11 | 7 6] is −(logp₇ + logp₆)/2
    CompletionGroup group = new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(7, 6)));
    try (TrainableDecoder byGroups = trained(Arithmetic.FLOAT32);
        TrainableDecoder byRows = trained(Arithmetic.FLOAT32)) {
      byGroups.forwardBackward(
          List.of(group),
          (index, scores) -> TokenGradients.ofLogProbs(List.of(PerToken.of(-0.5f, -0.5f))));
      double norm = byGroups.optimizerStep(1e-2);
      assertThat(byRows.trainStep(new int[][] {{11, 7, 6}}, 1e-2).gradientNorm())
          .isCloseTo(norm, within(1e-5));
      assertThat(flat(byGroups.weights().flat()))
          .containsExactly(flat(byRows.weights().flat()), within(1e-5));
    }
  }

  @Test
  void twoCallsCollectWhatOneCallWould() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      decoder.forwardBackward(GROUPS, (index, scores) -> unequal(scores));
      double[] together = flat(decoder.weights().flatGradients());
      decoder.clearGradients();
      decoder.forwardBackward(List.of(THREE), (index, scores) -> unequal(scores));
      decoder.forwardBackward(List.of(TWO), (index, scores) -> unequal(scores));
      assertThat(flat(decoder.weights().flatGradients())).containsExactly(together, within(1e-5));
    }
  }

  @Test
  void aDerivativeThatIsNotFiniteIsNamedAndChangesNothing() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      double[] before = flat(decoder.weights().flat());
      assertThatThrownBy(
              () ->
                  decoder.forwardBackward(
                      List.of(TWO),
                      (index, scores) ->
                          TokenGradients.ofLogProbs(
                              List.of(PerToken.of(), PerToken.of(1, Float.NaN)))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("gradients[0].byLogProbs[1][1]: NaN (expected: finite)");
      assertThat(decoder.optimizerStep(0)).isZero();
      assertThat(Arrays.equals(flat(decoder.weights().flat()), before)).isTrue();
    }
  }

  @Test
  void aCompletionThatIsTooLongIsNamed() {
    CompletionGroup group =
        new CompletionGroup(
            TokenIds.of(new int[30]), List.of(TokenIds.of(1), TokenIds.of(1, 2, 3, 4)));
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> decoder.scores(List.of(group)))
          .hasMessage("groups[0].completions[1]: 4 tokens after a prompt of 30, limit 32 together");
    }
  }

  @Test
  void aFrozenDecoderScoresAsTheOneThatWasSaved(@TempDir Path folder) throws IOException {
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    try (TrainableDecoder decoder = trained(Arithmetic.BFLOAT16_PRODUCTS)) {
      decoder.save(folder.resolve("model"), WeightType.FLOAT32, tokenizer, Map.of());
      try (FrozenDecoder frozen =
          FrozenDecoder.load(folder.resolve("model"), Arithmetic.BFLOAT16_PRODUCTS)) {
        assertThat(frozen.scores(GROUPS)).isEqualTo(decoder.scores(GROUPS));
      }
    }
  }

  @Test
  void zerosAreNotPropagatedBack() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        decoder.trained().flatGradients().fill_(new Scalar(-0.0));
      }

      List<GroupScores> said = decoder.forwardBackward(GROUPS, (index, scores) -> zeros(scores));

      double[] after = flat(decoder.trained().flatGradients());
      double[] before = new double[after.length];
      Arrays.fill(before, -0.0);
      assertThat(after).as("−0 and 0 would be 0").isEqualTo(before);
      assertThat(said.getFirst().logProbs().getFirst().toArray())
          .containsExactly(
              decoder.scores(GROUPS).getFirst().logProbs().getFirst().toArray(), within(1e-5f));
    }
  }

  private static TokenGradients zeros(GroupScores scores) {
    List<PerToken> zeros =
        scores.logProbs().stream().map(of -> PerToken.of(new float[of.size()])).toList();
    return new TokenGradients(zeros, zeros);
  }

  private static TrainableDecoder trained(Arithmetic arithmetic) {
    TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, arithmetic);
    int[][] rows = TinyModels.rows(4, 17, 2);
    for (int i = 0; i < 20; i++) {
      decoder.trainStep(rows, 1e-2);
    }
    return decoder;
  }
}
