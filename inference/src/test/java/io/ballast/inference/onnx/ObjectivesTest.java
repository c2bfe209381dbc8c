package io.ballast.inference.onnx;

import static io.ballast.inference.onnx.TinyFolders.gap;
import static io.ballast.inference.onnx.TinyFolders.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringHeads.Head;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A member that judges by several objectives has their weighted sum for a score, in the graph. */
class ObjectivesTest {
  private static final int MEMBERS = 2;
  private static final List<Double> WEIGHTS = List.of(1.0, 0.5, -1.0);
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder = Path.of(".");
  private Path trunk = Path.of(".");
  private final List<ScoringGroup> groups = new ArrayList<>();

  @BeforeEach
  void write() throws IOException {
    trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    RandomGenerator random = new SplittableRandom(11);
    for (int g = 0; g < 5; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        completions.add(tokens(random, random.nextInt(1, 10)));
      }
      groups.add(new ScoringGroup(tokens(random, random.nextInt(1, 15)), completions));
    }
  }

  private Path write(String name, ScoringModel model) throws IOException {
    Path scoring = folder.resolve(name).resolve("1");
    ScoringModelFolder.write(scoring, model, Map.of());
    return scoring;
  }

  private OnnxScorer open(Path scoring) {
    return OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1);
  }

  private static Scored scored(List<List<ScoreOutcome>> outcomes, int group, int completion) {
    return (Scored) outcomes.get(group).get(completion);
  }

  private static double[] doubles(List<Float> values) {
    return values.stream().mapToDouble(Float::doubleValue).toArray();
  }

  /** Linear heads of no weight say their bias, whatever the text is. */
  @Test
  void aHandComputedSum() throws IOException {
    ScoringModel random = TinyFolders.objectives(trunk, MEMBERS, WEIGHTS, 0, 5);
    List<ScoringObjective> objectives = new ArrayList<>();
    for (int o = 0; o < 3; o++) {
      ScoringObjective old = random.spec().objectives().get(o);
      objectives.add(
          new ScoringObjective(
              old.name(),
              old.weight(),
              List.of(new Normalization(o, 1), new Normalization(-1, 2)),
              List.of(),
              old.calibration(),
              old.heldOutMembers(),
              old.heldOut()));
    }
    int width = random.heads().featureCount();
    List<Head> heads = new ArrayList<>();
    for (float bias : new float[] {3, 2, 7, 1, 5, -3}) {
      heads.add(Head.linear(new float[width], bias));
    }
    ScoringModel model =
        new ScoringModel(
            with(random.spec(), objectives),
            new ScoringHeads(random.heads().featureMean(), random.heads().featureStd(), heads));

    try (OnnxScorer scorer = open(write("constant", model))) {
      Scored scored = scored(scorer.score(groups), 0, 0);
      assertThat(scored.objectives()).containsExactly(List.of(3f, 2f, 7f), List.of(1f, 5f, -3f));
      // member 0: 1·(3 − 0)/1 + ½·(2 − 1)/1 − 1·(7 − 2)/1 = 3 + ½ − 5
      // member 1: 1·(1 + 1)/2 + ½·(5 + 1)/2 − 1·(−3 + 1)/2 = 1 + 1½ + 1
      assertThat(scored.scores()).containsExactly(-1.5f, 3.5f);
    }
  }

  private static ScoringSpec with(ScoringSpec spec, List<ScoringObjective> objectives) {
    return new ScoringSpec(
        spec.kind(),
        spec.features(),
        spec.hiddenWidth(),
        spec.activation(),
        spec.trunk(),
        spec.promptTokens(),
        spec.ownBlocks(),
        spec.normalizations(),
        spec.inverseTemperatures(),
        spec.calibration(),
        spec.heldOutMembers(),
        spec.heldOut(),
        objectives);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8})
  void sumsAreThoseOfThePlainLoopsOfTheReference(int hidden) throws IOException {
    ScoringModel model = TinyFolders.objectives(trunk, MEMBERS, WEIGHTS, hidden, 5);
    Path scoring = write("several", model);
    ReferenceScorer reference = new ReferenceScorer(trunk);
    PlainScoring plain = PlainScoring.write(trunk, scoring, folder.resolve("plain.onnx"));
    try (OnnxScorer scorer = open(scoring);
        PlainScorer rows = PlainScorer.open(folder.resolve("plain.onnx"), plain, 1)) {
      assertThat(scorer.spec()).isEqualTo(model.spec());
      for (CompletionScorer each : List.of(scorer, rows)) {
        List<List<ScoreOutcome>> outcomes = each.score(groups);
        for (int g = 0; g < groups.size(); g++) {
          for (int i = 0; i < groups.get(g).completions().size(); i++) {
            double[] raw =
                reference.scores(groups.get(g).prompt(), groups.get(g).completions().get(i), model);
            Scored scored = scored(outcomes, g, i);
            assertThat(gap(doubles(scored.scores()), sums(model.spec(), raw)))
                .isLessThan(TOLERANCE);
            for (int k = 0; k < MEMBERS; k++) {
              assertThat(
                      gap(
                          doubles(scored.objectives().get(k)),
                          Arrays.copyOfRange(raw, 3 * k, 3 * k + 3)))
                  .isLessThan(TOLERANCE);
            }
          }
        }
      }
    }
  }

  /** Σₒ weightₒ · (rawₖₒ − meanₖₒ) / stdₖₒ, of raw scores member by member. */
  private static double[] sums(ScoringSpec spec, double[] raw) {
    double[] sums = new double[spec.heads()];
    int at = 0;
    for (int k = 0; k < sums.length; k++) {
      for (ScoringObjective objective : spec.objectives()) {
        sums[k] += objective.weight() * objective.normalizations().get(k).normalize(raw[at++]);
      }
    }
    return sums;
  }

  @Test
  void companyDoesNotCount() throws IOException {
    Path scoring = write("several", TinyFolders.objectives(trunk, MEMBERS, WEIGHTS, 8, 5));
    try (OnnxScorer scorer = open(scoring)) {
      List<List<ScoreOutcome>> together = scorer.score(groups);
      for (int g = 0; g < groups.size(); g++) {
        for (int i = 0; i < groups.get(g).completions().size(); i++) {
          ScoringGroup alone =
              new ScoringGroup(groups.get(g).prompt(), List.of(groups.get(g).completions().get(i)));
          Scored one = scored(scorer.score(List.of(alone)), 0, 0);
          Scored among = scored(together, g, i);
          assertThat(gap(doubles(one.scores()), doubles(among.scores()))).isLessThan(TOLERANCE);
          assertThat(gap(doubles(one.objectives().get(1)), doubles(among.objectives().get(1))))
              .isLessThan(TOLERANCE);
        }
      }
    }
  }

  @Test
  void oneObjectiveOfWeightOneIsThePlainEnsembleStandardised() throws IOException {
    ScoringModel plain =
        TinyFolders.heads(trunk, ScoringKind.REWARD_ENSEMBLE, 3, HeadActivation.TANH, 5);
    ScoringModel one = TinyFolders.objectives(trunk, 3, List.of(1.0), 8, 5);
    try (OnnxScorer ensemble = open(write("plain", plain));
        OnnxScorer objective = open(write("one", one))) {
      List<List<ScoreOutcome>> expected = ensemble.score(groups);
      List<List<ScoreOutcome>> outcomes = objective.score(groups);
      for (int g = 0; g < groups.size(); g++) {
        for (int i = 0; i < groups.get(g).completions().size(); i++) {
          Scored alike = scored(expected, g, i);
          Scored scored = scored(outcomes, g, i);
          for (int k = 0; k < 3; k++) {
            assertThat(scored.objectives().get(k)).containsExactly(alike.scores().get(k));
            assertThat(scored.scores().get(k).doubleValue())
                .isCloseTo(
                    plain.spec().normalizations().get(k).normalize(alike.scores().get(k)),
                    within(TOLERANCE));
          }
          assertThat(alike.objectives()).isEmpty();
        }
      }
    }
  }

  @Test
  void aNumberOfOneObjectiveThatIsNotFiniteIsRefusedAndNeverGivenOut() throws IOException {
    ScoringModel model = TinyFolders.objectives(trunk, 1, List.of(1.0, -1.0), 0, 5);
    float[] huge = new float[model.heads().featureCount()];
    Arrays.fill(huge, Float.MAX_VALUE);
    ScoringHeads heads =
        new ScoringHeads(
            model.heads().featureMean(),
            model.heads().featureStd(),
            List.of(model.heads().heads().getFirst(), Head.linear(huge, 0)));
    Path scoring = write("huge", new ScoringModel(model.spec(), heads));
    try (OnnxScorer scorer = open(scoring)) {
      assertThat(scorer.score(groups).getFirst().getFirst())
          .isInstanceOfSatisfying(
              Refusal.class,
              refusal -> assertThat(refusal.reason()).isEqualTo(Refusal.Reason.NOT_FINITE));
    }
  }

  @Test
  void goldenScoresOfSumsComeOutAgain() throws IOException {
    Path scoring = write("several", TinyFolders.objectives(trunk, MEMBERS, WEIGHTS, 8, 5));
    GoldenScores.keep(scoring, trunk, groups, 1e-3, folder.resolve("work"));
    GoldenScores golden = GoldenScores.read(scoring).orElseThrow();
    assertThat(golden.items().getFirst().scores()).hasSize(MEMBERS);
    assertThat(golden.items())
        .allSatisfy(item -> assertThat(item.objectives()).hasSize(MEMBERS))
        .allSatisfy(
            item -> assertThat(item.objectives()).allSatisfy(o -> assertThat(o).hasSize(3)));
    try (OnnxScorer scorer = open(scoring)) {
      assertThat(scorer.spec().objectives()).hasSize(3);
      assertThat(GoldenScores.of(scorer, groups, 1e-3)).isEqualTo(golden);
    }
  }

  @Test
  void whatOneObjectiveSaidComesOutAgainAlthoughTheSumMayBeOffByMore() throws IOException {
    Path scoring = write("several", TinyFolders.objectives(trunk, MEMBERS, WEIGHTS, 8, 5));
    GoldenScores.keep(scoring, trunk, groups, 10, folder.resolve("work"));
    GoldenScores golden = GoldenScores.read(scoring).orElseThrow();
    GoldenScores.Item first = golden.items().getFirst();
    List<List<Float>> off = new ArrayList<>(first.objectives());
    off.set(1, List.of(off.get(1).get(0), off.get(1).get(1), off.get(1).get(2) + 0.01f));
    new GoldenScores(
            10,
            List.of(new GoldenScores.Item(first.prompt(), first.completion(), first.scores(), off)))
        .write(scoring);
    assertThatThrownBy(() -> open(scoring))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("golden.json: items[0]: member 1 by objective 2 scores ")
        .hasMessageContaining("(expected: " + off.get(1).get(2) + " ± 0.001)");

    new GoldenScores( // as versions have them that kept the sums alone
            10, List.of(new GoldenScores.Item(first.prompt(), first.completion(), first.scores())))
        .write(scoring);
    try (OnnxScorer scorer = open(scoring)) {
      assertThat(scorer.spec().objectives()).hasSize(3);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8})
  void headsAreTheSameOverFeaturesThatAreStandardisedOtherwise(int hidden) {
    ScoringHeads heads = TinyFolders.objectives(trunk, 2, List.of(1.0), hidden, 5).heads();
    RandomGenerator random = new SplittableRandom(4);
    int width = heads.featureCount();
    float[] mean = new float[width];
    float[] std = new float[width];
    double[] features = new double[width];
    for (int f = 0; f < width; f++) {
      mean[f] = (float) random.nextGaussian();
      std[f] = (float) random.nextDouble(0.5, 3);
      features[f] = random.nextGaussian();
    }
    ScoringHeads other = heads.over(mean, std);
    assertThat(other.featureMean()).isEqualTo(mean);
    assertThat(other.featureStd()).isEqualTo(std);
    for (int k = 0; k < 2; k++) {
      assertThat(score(other, k, features)).isCloseTo(score(heads, k, features), within(1e-5));
    }
    ScoringHeads same = heads.over(heads.featureMean(), heads.featureStd());
    assertThat(score(same, 1, features)).isEqualTo(score(heads, 1, features));
  }

  private static double score(ScoringHeads heads, int head, double[] features) {
    return ReferenceScorer.score(
        heads.heads().get(head),
        features,
        heads.featureMean(),
        heads.featureStd(),
        HeadActivation.TANH);
  }
}
