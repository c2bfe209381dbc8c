package io.ballast.workshop.gate;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import io.ballast.workshop.scoring.LabelledGroup;
import io.ballast.workshop.scoring.LabelledGroups;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Both stages are trained, draw their lines, and serve. In these files nothing is kept behind a
 * {@code throw}, and elsewhere what the policy finds likely is kept.
 */
class TrainGateTest {
  private static final PerToken LIKELY = PerToken.of(-0.1f, -0.1f);
  private static final PerToken UNLIKELY = PerToken.of(-4f, -4f);
  private static final String HOPELESS = "class A {\n  void f() {\n    throw ";
  private static final String HOPEFUL = "class A {\n  void f() {\n    int x = ";

  @TempDir Path folder;

  @Test
  void bothStagesLearnWhatDecidesAndWithholdIt() throws IOException {
    writeLabels(false);
    String printed = train(0);
    try (AcceptModel first = open("java-gate-context", GateStage.CONTEXT);
        AcceptModel second = open("java-gate-suggestion", GateStage.SUGGESTION)) {
      // 2 of 5 rejected stand behind a throw, the rest beside what is kept: .4 + .6 / 2 at best
      assertThat(first.spec().heldOut().get("auc")).isBetween(0.6, 0.76);
      assertThat(second.spec().heldOut().get("auc")).isGreaterThan(0.9);
      assertThat(second.spec().heldOut().get("baseline_log_prob_mean_auc")).isBetween(0.6, 0.95);
      assertThat(second.spec().heldOut().get("calibration_error")).isLessThan(0.1);

      double hopeless =
          p(first, GateFeatures.context(FeatureSet.TEXT_AND_HISTORY, GateContext.of(HOPELESS)));
      assertThat(hopeless).isLessThan(first.spec().threshold());
      assertThat(
              p(first, GateFeatures.context(FeatureSet.TEXT_AND_HISTORY, GateContext.of(HOPEFUL))))
          .isGreaterThanOrEqualTo(first.spec().threshold());

      assertThat(p(second, features(HOPEFUL, UNLIKELY))).isLessThan(second.spec().threshold());
      assertThat(p(second, features(HOPEFUL, LIKELY)))
          .isGreaterThanOrEqualTo(second.spec().threshold());
    }
    assertThat(printed).contains("of which not even generated", "rejected, of what is withheld");
    assertThat(folder.resolve("java-gate-context/1/MODEL_CARD.md")).isRegularFile();
  }

  @Test
  void linesThatArePromisedSayWhatWasProven() throws IOException {
    writeLabels(false);
    String printed =
        train(
            0,
            "--lines",
            "LEARN_THEN_TEST",
            "--target-accuracy",
            "0.8",
            "--delta",
            "0.1",
            "--note",
            "Files were drawn.");
    try (AcceptModel first = open("java-gate-context", GateStage.CONTEXT);
        AcceptModel second = open("java-gate-suggestion", GateStage.SUGGESTION)) {
      GateGuarantee guarantee = second.spec().guarantee().orElseThrow();
      assertThat(first.spec().guarantee()).contains(guarantee);
      assertThat(first.spec().secondLook()).isTrue();
      assertThat(guarantee.targetAccuracy()).isEqualTo(0.8);
      assertThat(guarantee.alpha()).isEqualTo(0.1);
      // 14 files prove .8 at the least; 15 % of 150 decide, 16 samples of each
      assertThat(guarantee.unit()).isEqualTo(GateGuarantee.Unit.GROUP);
      assertThat(guarantee.units()).isBetween(14, 40);
      assertThat(guarantee.hidden()).isBetween(50, 16 * 40);
      assertThat(guarantee.pValue()).isLessThanOrEqualTo(0.1);
      assertThat(p(second, features(HOPEFUL, UNLIKELY))).isLessThan(second.spec().threshold());
    }
    assertThat(printed)
        .contains("Proven: of what is withheld in a file, on average over files, at least 80 %")
        .contains("Learn then Test over", "of them kept: p =")
        .contains("a short one.", "Files were drawn.\n");
  }

  @Test
  void ofFewFilesLinesAreMeasuredAndNotProven() throws IOException {
    writeLabels(false);
    // 29 files prove .9 at the least
    String printed =
        train(0, "--lines", "LEARN_THEN_TEST", "--target-accuracy", "0.9", "--delta", "0.1");
    try (AcceptModel second = open("java-gate-suggestion", GateStage.SUGGESTION)) {
      assertThat(second.spec().guarantee()).isEmpty();
      assertThat(second.spec().threshold()).isPositive();
    }
    assertThat(printed).contains("Measured, not proven: ", "and fewer than 29 prove nothing");
  }

  @Test
  void whatCannotBeProvenIsNotWithheld() throws IOException {
    writeLabels(false);
    // .99⁴⁵⁹ < .01: not so many samples decide, even if they were independent
    String printed =
        train(0, "--lines", "LEARN_THEN_TEST", "--target-accuracy", "0.99", "--delta", "0.01");
    try (AcceptModel second = open("java-gate-suggestion", GateStage.SUGGESTION)) {
      assertThat(second.spec().threshold()).isZero();
      assertThat(second.spec().guarantee()).isEmpty();
    }
    assertThat(printed).contains("everything is shown");
  }

  @Test
  void whereNothingCanBeToldEverythingIsShown() throws IOException {
    writeLabels(true);
    String printed = train(0);
    try (AcceptModel first = open("java-gate-context", GateStage.CONTEXT);
        AcceptModel second = open("java-gate-suggestion", GateStage.SUGGESTION)) {
      assertThat(first.spec().threshold()).isZero();
      assertThat(second.spec().threshold()).isZero();
    }
    assertThat(printed).contains("everything is shown");
  }

  @Test
  void whatTheProgrammerDidBeforeInTheFileTellsWhereTheTextDoesNot() throws IOException {
    // of every second file all is kept, of the others nothing; the places look alike
    SplittableRandom random = new SplittableRandom(5);
    try (LabelledGroups.Writer writer = LabelledGroups.writer(labels())) {
      for (int g = 0; g < 1_200; g++) {
        boolean kept = random.nextInt(10) == 0 ? random.nextBoolean() : g / 8 % 2 == 0;
        writer.write(
            new LabelledGroup(
                "File" + g / 8 + ".java",
                TokenIds.of(1),
                HOPEFUL,
                List.of(completion(random.nextBoolean(), kept))));
      }
    }
    train(0, "--features", "TEXT");
    try (AcceptModel first = open("java-gate-context", GateStage.CONTEXT)) {
      assertThat(first.spec().featureSet()).isEqualTo(FeatureSet.TEXT);
      assertThat(first.spec().heldOut().get("auc")).isBetween(0.45, 0.55);
    }

    String printed = train(0);

    try (AcceptModel first = open("java-gate-context", GateStage.CONTEXT)) {
      assertThat(first.spec().featureSet()).isEqualTo(FeatureSet.TEXT_AND_HISTORY);
      // of a fifth of the files, and at the first position of each, nothing is known
      assertThat(first.spec().heldOut().get("auc")).isBetween(0.75, 0.95);
      assertThat(first.spec().sometimesMissing()).contains("accepted_share", "outcome_1");
    }
    assertThat(printed)
        .contains("What it knows of the past is of one file", "| said | came true |");
  }

  @Test
  void theSameSeedMakesTheSameModel() throws IOException {
    writeLabels(false);
    String first = train(0);
    byte[] trees = Files.readAllBytes(folder.resolve("java-gate-suggestion/1/trees.ubj"));
    assertThat(train(0)).isEqualTo(first);
    assertThat(folder.resolve("java-gate-suggestion/1/trees.ubj")).hasBinaryContent(trees);
  }

  @Test
  void labelsThatSayNothingOfTheDrawAreRefused() throws IOException {
    try (LabelledGroups.Writer writer = LabelledGroups.writer(labels())) {
      writer.write(
          new LabelledGroup(
              "A.java",
              TokenIds.of(1),
              List.of(new LabelledCompletion(TokenIds.of(2), 0, 0, false))));
    }
    assertThat(train(1)).contains("A.java: a completion without text (expected: collected ones)");
  }

  private void writeLabels(boolean noise) throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    try (LabelledGroups.Writer writer = LabelledGroups.writer(labels())) {
      for (int g = 0; g < 600; g++) {
        boolean hopeless = random.nextInt(4) == 0;
        List<LabelledCompletion> completions = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          boolean likely = random.nextBoolean();
          boolean kept = noise ? random.nextBoolean() : likely && !hopeless;
          completions.add(completion(likely, kept));
        }
        writer.write(
            new LabelledGroup(
                "File" + g / 4 + ".java",
                TokenIds.of(1),
                hopeless ? HOPELESS : HOPEFUL,
                completions));
      }
    }
  }

  private static LabelledCompletion completion(boolean likely, boolean kept) {
    return new LabelledCompletion(
        TokenIds.of(5, 6),
        0,
        kept ? 4 : 0,
        false,
        Optional.of(
            new Drawn(
                "foo(bar);",
                likely ? LIKELY : UNLIKELY,
                StopReason.STOP_STRING,
                kept ? Outcome.EDITED : Outcome.REJECTED)));
  }

  private String train(int expectedCode, String... more) {
    StringWriter out = new StringWriter();
    int code =
        new CommandLine(new TrainGate())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(out))
            .execute(
                Stream.concat(
                        Stream.of(
                            "--labels",
                            labels().toString(),
                            "--context-output",
                            folder.resolve("java-gate-context/1").toString(),
                            "--suggestion-output",
                            folder.resolve("java-gate-suggestion/1").toString()),
                        Arrays.stream(more))
                    .toArray(String[]::new));
    assertThat(code).as(out.toString()).isEqualTo(expectedCode);
    return out.toString();
  }

  private AcceptModel open(String name, GateStage stage) {
    AcceptModel model = GateModelFolder.open(folder.resolve(name + "/1"), name, "1");
    assertThat(model.spec().stage()).isEqualTo(stage);
    return model;
  }

  private static double p(AcceptModel model, float[] features) {
    return model.spec().calibration().probability(model.logOdds(features));
  }

  private static float[] features(String prompt, PerToken logProbs) {
    return GateFeatures.suggestion(
        FeatureSet.TEXT_AND_HISTORY,
        GateContext.of(prompt),
        new GateSuggestion("foo(bar);", logProbs, Optional.of(StopReason.STOP_STRING)));
  }

  private Path labels() {
    return folder.resolve("labels.jsonl");
  }
}
