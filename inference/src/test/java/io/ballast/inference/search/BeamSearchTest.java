package io.ballast.inference.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The search finds what looking at everything finds, if it is wide enough. */
class BeamSearchTest {
  private static final int END = 0;
  private static final TokenIds PROMPT = TokenIds.of(1);

  /** A model over {@code vocabulary} tokens whose distribution depends on all tokens before. */
  private record Table(int vocabulary, long seed) implements NextTokenModel {
    double[] logProbs(TokenIds text) {
      SplittableRandom random = new SplittableRandom(seed * 31 + Arrays.hashCode(text.toArray()));
      double[] weights = random.doubles(vocabulary, 0.01, 1).map(w -> w * w).toArray();
      double sum = Arrays.stream(weights).sum();
      return Arrays.stream(weights).map(w -> (float) Math.log(w / sum)).toArray();
    }

    @Override
    public List<List<Alternative>> alternatives(List<TokenIds> texts, int count) {
      List<List<Alternative>> all = new ArrayList<>();
      for (TokenIds text : texts) {
        double[] logProbs = logProbs(text);
        List<Alternative> each = new ArrayList<>();
        for (int id = 0; id < vocabulary; id++) {
          each.add(new Alternative(id, (float) logProbs[id]));
        }
        each.sort(Comparator.comparingDouble(a -> -a.logProb()));
        all.add(each.subList(0, Math.min(count, vocabulary)));
      }
      return all;
    }
  }

  private static void everything(
      Table model, TokenIds tokens, double logProb, BeamOptions options, List<Beam> all) {
    double[] next = model.logProbs(PROMPT.concat(tokens));
    double length = Math.pow(tokens.size() + 1, options.lengthPenalty());
    for (int id = 0; id < model.vocabulary(); id++) {
      double sum = logProb + next[id];
      TokenIds longer = tokens.concat(TokenIds.of(id));
      if (options.endIds().contains(id)) {
        all.add(new Beam(tokens, sum, sum / length, true));
      } else if (longer.size() == options.maxNewTokens()) {
        all.add(new Beam(longer, sum, sum / length, false));
      } else {
        everything(model, longer, sum, options, all);
      }
    }
  }

  @Test
  void wideEnoughItIsExhaustive() {
    for (long seed = 0; seed < 20; seed++) {
      for (double penalty : new double[] {0, 1, 0.5, 2, -1}) {
        Table model = new Table(4, seed);
        BeamOptions options = new BeamOptions(81, 7, penalty, 5, Set.of(END)); // 3⁴ beginnings
        List<Beam> all = new ArrayList<>();
        everything(model, TokenIds.of(), 0, options, all);
        all.sort(Comparator.comparingDouble(Beam::score).reversed());
        assertThat(new BeamSearch(model).search(PROMPT, options))
            .as("seed %d, penalty %s", seed, penalty)
            .isEqualTo(all.subList(0, 7));
      }
    }
  }

  @Test
  void aHandComputedSearch() {
    // after the prompt: 1 has 0.6, 2 has 0.4; after 1: all three 1/3; after 2: 2 has 0.9
    NextTokenModel model =
        (texts, count) ->
            texts.stream()
                .map(
                    text -> {
                      if (text.size() == 1) {
                        return list(1, 0.6, 2, 0.4);
                      }
                      return text.get(1) == 1
                          ? list(0, 1 / 3.0, 1, 1 / 3.0, 2, 1 / 3.0)
                          : list(2, 0.9, 1, 0.1);
                    })
                .toList();
    BeamOptions greedy = new BeamOptions(1, 1, 0, 2, Set.of());
    BeamOptions two = new BeamOptions(2, 2, 0, 2, Set.of());
    // greedily 1, then any: 0.6 · 1/3 = 0.2; two beams find 0.4 · 0.9 = 0.36
    assertThat(new BeamSearch(model).search(PROMPT, greedy).getFirst().logProb())
        .isCloseTo(Math.log(0.2), within(1e-6));
    Beam best = new BeamSearch(model).search(PROMPT, two).getFirst();
    assertThat(best.tokens()).isEqualTo(TokenIds.of(2, 2));
    assertThat(best.logProb()).isCloseTo(Math.log(0.36), within(1e-6));
  }

  private static List<NextTokenModel.Alternative> list(double... idsAndProbabilities) {
    List<NextTokenModel.Alternative> list = new ArrayList<>();
    for (int i = 0; i < idsAndProbabilities.length; i += 2) {
      list.add(
          new NextTokenModel.Alternative(
              (int) idsAndProbabilities[i], (float) Math.log(idsAndProbabilities[i + 1])));
    }
    return list;
  }

  @Test
  void oneBeamIsGreedy() {
    Table model = new Table(5, 3);
    Beam beam =
        new BeamSearch(model).search(PROMPT, new BeamOptions(1, 1, 1, 6, Set.of())).getFirst();
    TokenIds text = PROMPT;
    for (int t = 0; t < 6; t++) {
      int likeliest = model.alternatives(List.of(text), 1).getFirst().getFirst().tokenId();
      assertThat(beam.tokens().get(t)).isEqualTo(likeliest);
      text = text.concat(TokenIds.of(likeliest));
    }
    assertThat(beam.ended()).isFalse();
  }

  @Test
  void oneBeamEndsWhereGreedyDecodingDoesUnlessLengthIsRewarded() {
    int ended = 0;
    for (long seed = 0; seed < 40; seed++) {
      Table model = new Table(4, seed);
      TokenIds greedy = TokenIds.of();
      boolean ends = false;
      while (greedy.size() < 6 && !ends) {
        TokenIds text = PROMPT.concat(greedy);
        int likeliest = model.alternatives(List.of(text), 1).getFirst().getFirst().tokenId();
        ends = likeliest == END;
        greedy = ends ? greedy : greedy.concat(TokenIds.of(likeliest));
      }
      ended += ends ? 1 : 0;
      for (double penalty : new double[] {0, -1}) {
        BeamOptions one = new BeamOptions(1, 1, penalty, 6, Set.of(END));
        assertThat(new BeamSearch(model).search(PROMPT, one).getFirst().tokens())
            .as("seed %d, penalty %s", seed, penalty)
            .isEqualTo(greedy);
      }
    }
    assertThat(ended).isPositive();
    // at first the end has 0.5 and 1 has 0.4, then 1 has 1: ln 0.5 = -0.69 a token, or ln 0.4 / 2
    NextTokenModel model =
        (texts, count) ->
            texts.stream().map(t -> t.size() == 1 ? list(END, 0.5, 1, 0.4) : list(1, 1)).toList();
    BeamOptions longer = new BeamOptions(1, 1, 1, 2, Set.of(END));
    Beam beam = new BeamSearch(model).search(PROMPT, longer).getFirst();
    assertThat(beam.tokens()).isEqualTo(TokenIds.of(1, 1));
    assertThat(beam.score()).isCloseTo(Math.log(0.4) / 2, within(1e-6));
  }

  @Test
  void whatEndsAtOnceIsACompletionWithoutTokens() {
    NextTokenModel model = (texts, count) -> texts.stream().map(t -> list(END, 1)).toList();
    Beam beam =
        new BeamSearch(model).search(PROMPT, new BeamOptions(3, 2, 1, 6, Set.of(END))).getFirst();
    assertThat(beam).isEqualTo(new Beam(TokenIds.of(), 0, 0, true));
  }

  @Test
  void optionsOutsideTheirRangeAreNamed() {
    assertThatThrownBy(() -> new BeamOptions(0, 1, 1, 1, Set.of()))
        .hasMessage("width: 0 (expected: 1 to 256)");
    assertThatThrownBy(() -> new BeamOptions(2, 3, 1, 1, Set.of()))
        .hasMessage("best: 3 (expected: 1 to the width, 2)");
    assertThatThrownBy(() -> new BeamOptions(2, 1, Double.NaN, 1, Set.of()))
        .hasMessage("length_penalty: NaN (expected: -4 to 4)");
    assertThatThrownBy(() -> new BeamOptions(2, 1, 1, 0, Set.of()))
        .hasMessage("max_new_tokens: 0 (expected: 1 to 4,096)");
  }
}
