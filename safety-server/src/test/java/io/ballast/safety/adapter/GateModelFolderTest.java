package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.preference.IsotonicRegression;
import io.ballast.rl.sample.Numbers;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TinyGates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gate model folder holds what was written, or is refused with the reason. */
class GateModelFolderTest {
  private static byte[] trees = new byte[0];

  @TempDir Path root;

  @BeforeAll
  static void train() {
    trees = TinyGates.trees(GateStage.CONTEXT, "line_characters", 10);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    GateSpec spec =
        GateSpec.of(
            GateStage.CONTEXT,
            isotonic(Numbers.of(-1, 1), Numbers.of(0.25, 0.75)),
            0.3,
            0.9,
            0.05,
            Map.of("auc", 0.75, "brier", 0.2));
    Path folder = TinyGates.write(root, "gate", "1", spec, trees);

    try (AcceptModel model = GateModelFolder.open(folder, "gate", "1")) {
      assertThat(model.spec()).isEqualTo(spec);
      assertThat(model.id().version()).isEqualTo("1");
      assertThat(model.id().weightsSha256()).matches("[0-9a-f]{64}");
      assertThat(
              model.logOdds(GateFeatures.context(FeatureSet.TEXT, GateContext.of("x".repeat(18)))))
          .isPositive();
      assertThat(model.logOdds(GateFeatures.context(FeatureSet.TEXT, GateContext.of("x"))))
          .isNegative();
    }
  }

  @Test
  void theReadingAndWhatWasProvenOfItAreKept() throws IOException {
    GateSpec spec =
        TinyGates.spec(GateStage.CONTEXT, 0.3, 0.9, 0.05)
            .read(
                false,
                Optional.of(
                    new GateGuarantee(0.95, 0.1, GateGuarantee.Unit.GROUP, 80, 120, 2, 0.0575)));
    Path folder = TinyGates.write(root, "gate", "1", spec, trees);

    assertThat(GateModelFolder.readSpec(folder)).isEqualTo(spec);
  }

  @Test
  void aFolderOfTheFirstFormatHasASecondLookAndNoGuarantee() throws IOException {
    Path folder = written();
    rewrite(folder, "\"format_version\" : 2", "\"format_version\" : 1");
    rewrite(folder, "  \"second_look\" : true,\n", "");

    assertThat(GateModelFolder.readSpec(folder).secondLook()).isTrue();
    assertThat(GateModelFolder.readSpec(folder).guarantee()).isEmpty();
    rewrite(folder, "\"format_version\" : 1", "\"format_version\" : 2");
    refuses(folder, Reason.INVALID_FOLDER, "second_look:  (expected: true or false)");
    rewrite(folder, "\"format_version\" : 2", "\"format_version\" : 3");
    refuses(folder, Reason.INVALID_FOLDER, "format_version: 3 (expected: 1 to 2)");
  }

  @Test
  void whatThePairAndTheFeaturesAreIsKept() throws IOException {
    FeatureSet set = FeatureSet.TEXT_AND_HISTORY;
    GateSpec plain =
        TinyGates.spec(GateStage.CONTEXT, 0.3, 0.9, 0.05).on(set, Set.of("accepted_share"));
    byte[] wide = TinyGates.trees(set, GateStage.CONTEXT, "answered", 10);
    GateSpec two = TinyGates.spec(GateStage.SUGGESTION, 0.4, 0, 0.05);
    String pair = GateModelFolder.pair(plain, wide, two, trees);
    Path folder = TinyGates.write(root, "gate", "1", plain.paired(pair), wide);

    assertThat(GateModelFolder.readSpec(folder)).isEqualTo(plain.paired(pair));
    assertThat(plain.paired(pair).isPairedWith(two.paired(pair))).isTrue();
    assertThat(plain.isPairedWith(two)).isFalse();
    assertThat(pair)
        .isNotEqualTo(GateModelFolder.pair(plain, trees, two, trees))
        .isNotEqualTo(GateModelFolder.pair(plain, wide, two.read(false, Optional.empty()), trees));
    rewrite(folder, "\"feature_version\" : 2", "\"feature_version\" : 3");
    refuses(
        folder,
        Reason.INVALID_FOLDER,
        "feature_version: 3 (expected: 1 to 2); train the gate again");
  }

  @Test
  void manyThreadsGetWhatOneGets() throws Exception {
    Path folder = written();
    try (AcceptModel model = GateModelFolder.open(folder, "gate", "1");
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      double expected =
          model.logOdds(GateFeatures.context(FeatureSet.TEXT, GateContext.of("foo(bar")));
      Callable<Boolean> asks =
          () -> {
            boolean same = true;
            for (int i = 0; i < 500; i++) {
              same &=
                  model.logOdds(GateFeatures.context(FeatureSet.TEXT, GateContext.of("foo(bar")))
                      == expected;
            }
            return same;
          };
      List<Future<Boolean>> answers = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        answers.add(threads.submit(asks));
      }
      for (Future<Boolean> answer : answers) {
        assertThat(answer.get()).isTrue();
      }
    }
  }

  @Test
  void changedTreesAreCorrupt() throws IOException {
    Path folder = written();
    byte[] changed = trees.clone();
    changed[changed.length / 2] ^= 1;
    Files.write(folder.resolve(GateModelFolder.TREES), changed);

    refuses(folder, Reason.CORRUPT_WEIGHTS, "trees.ubj: SHA-256");
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Path folder = written();
    Files.delete(folder.resolve(GateModelFolder.CONFIG));

    refuses(folder, Reason.INVALID_FOLDER, "gate.json: the file is missing");
  }

  @Test
  void aFeatureOfAnotherBuildIsRefusedByName() throws IOException {
    Path folder = written();
    rewrite(folder, "\"word_capital\"", "\"phase_of_the_moon\"");

    refuses(
        folder,
        Reason.INVALID_FOLDER,
        "features[6]: phase_of_the_moon (expected: word_capital); train the gate again");
  }

  @Test
  void aNumberOutOfItsRangeIsNamed() throws IOException {
    Path folder = written();
    rewrite(folder, "\"threshold\" : 0.3", "\"threshold\" : 1.3");

    refuses(folder, Reason.INVALID_FOLDER, "threshold: 1.3 (expected: 0 to 1)");
  }

  @Test
  void treesOfOtherFeaturesAreNotWritten() {
    assertThatThrownBy(
            () ->
                TinyGates.write(
                    root, "gate", "2", TinyGates.spec(GateStage.SUGGESTION, 0.3, 0, 0), trees))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the trees take");
  }

  @Test
  void calibrationsAreLevelBeyondTheirKnotsAndLinearBetween() {
    GateCalibration line = isotonic(Numbers.of(-1, 1, 2), Numbers.of(0.2, 0.4, 0.4));

    assertThat(line.probability(-5)).isEqualTo(0.2);
    assertThat(line.probability(0)).isCloseTo(0.3, within(1e-12));
    assertThat(line.probability(1)).isEqualTo(0.4);
    assertThat(line.probability(9)).isEqualTo(0.4);
    assertThatThrownBy(() -> isotonic(Numbers.of(1, 1), Numbers.of(0.1, 0.2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("knot 1: ");
    assertThatThrownBy(() -> isotonic(Numbers.of(1, 2), Numbers.of(0.1, 1.2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("calibration: knot 1: 1.2 (expected: 0 to 1)");
  }

  private static GateCalibration isotonic(Numbers scores, Numbers probabilities) {
    return new GateCalibration.Isotonic(new IsotonicRegression(scores, probabilities));
  }

  private Path written() throws IOException {
    return TinyGates.write(
        root, "gate", "1", TinyGates.spec(GateStage.CONTEXT, 0.3, 0.9, 0.05), trees);
  }

  private static void rewrite(Path folder, String what, String by) throws IOException {
    Path config = folder.resolve(GateModelFolder.CONFIG);
    String text = Files.readString(config);
    assertThat(text).contains(what);
    Files.writeString(config, text.replace(what, by));
    var unused = ModelManifest.write(folder, Map.of());
  }

  private static void refuses(Path folder, Reason reason, String message) {
    assertThatThrownBy(() -> GateModelFolder.open(folder, "gate", "1"))
        .isInstanceOfSatisfying(
            ModelException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }
}
