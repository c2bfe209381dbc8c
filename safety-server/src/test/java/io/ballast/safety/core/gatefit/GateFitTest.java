package io.ballast.safety.core.gatefit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.adapter.XgboostGrower;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.testing.TinyGates;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gates are made of a log, also of one that another gate has thinned, and judged by one. Long
 * suggestions are kept here with probability 0.8, short ones with 0.1.
 */
class GateFitTest {
  private static final double LONG = 0.8;
  private static final double SHORT = 0.1;

  @TempDir Path root;

  @Test
  void aLogThatAGateHasThinnedMeasuresWhatIsTrue() throws UnusableLogException {
    // the gate in force hides what is short, and explores a quarter of it
    List<LoggedSuggestion> log = log(32, 400, 0.25);
    List<String> said = new ArrayList<>();

    FittedGate gate =
        new GateFit(plan(GatePlan.Calibration.PLATT, List.of(true)), new XgboostGrower(), said::add)
            .fit(GateTable.of(log, FeatureSet.TEXT, share -> {}));

    FittedGate.Stage two = gate.stage(GateStage.SUGGESTION);
    // half of all are long: 0.45 are kept; of what was shown as it came, 0.66 are
    double shown =
        (double) log.stream().filter(each -> each.isExample() && each.kept().orElseThrow()).count()
            / log.stream().filter(LoggedSuggestion::isExample).count();
    assertThat(shown).isGreaterThan(0.6);
    assertThat(two.figures().get("base_rate")).isCloseTo(0.45, within(0.08));
    assertThat(two.figures().get("auc")).isCloseTo(0.83, within(0.06));
    assertThat(two.figures().get("calibration_error")).isLessThan(0.12);
    assertThat(said)
        .anyMatch(
            line ->
                line.startsWith("shown with equal probability: ")
                    && line.contains("thinned to the rarest (0.25), 0 in which no gate had a say"));
    // 6 of 32 users decide, and 14 prove .8 at the least
    assertThat(gate.sizes().lines().users()).isEqualTo(6);
    assertThat(gate.lines())
        .isInstanceOfSatisfying(
            CertifiedGate.Measured.class, found -> assertThat(found.least()).isEqualTo(14));
    assertThat(gate.guarantee()).isEmpty();
    assertThat(gate.measured().hidden()).isPositive();
    assertThat(gate.sizes().users()).isEqualTo(32);
  }

  @Test
  void whatManyUsersRejectIsProvenOfTheAverageUser() throws UnusableLogException {
    FittedGate gate =
        new GateFit(
                plan(GatePlan.Calibration.PLATT, List.of(true)), new XgboostGrower(), line -> {})
            .fit(GateTable.of(log(400, 15, 1), FeatureSet.TEXT, share -> {}));

    GateGuarantee proven = gate.guarantee().orElseThrow();
    assertThat(proven.unit()).isEqualTo(GateGuarantee.Unit.GROUP);
    assertThat(proven.units()).isBetween(60, gate.sizes().lines().users());
    assertThat(proven.hidden()).isGreaterThan(3 * proven.units());
    assertThat(gate.rejectedOfHidden())
        .isInstanceOfSatisfying(
            OffPolicyEstimate.Estimated.class,
            found -> assertThat(found.value().estimate()).isCloseTo(1 - SHORT, within(0.06)));
  }

  @Test
  void usersFallIntoPartsWhateverTheirSize() throws UnusableLogException {
    List<LoggedSuggestion> log = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(17);
    int users = 40;
    for (int user = 0; user < users; user++) {
      // every eighth has ten times as many
      for (int i = 0; i < (user % 8 == 0 ? 200 : 20); i++) {
        log.add(logged(random, user, i, i % 2 == 0, true, 1));
      }
    }
    GateTable table = GateTable.of(log, FeatureSet.TEXT, share -> {});
    int seeds = 300;
    double[] heavy = new double[4];
    for (int seed = 0; seed < seeds; seed++) {
      GateSplit split = GateSplit.of(table, seed);
      List<List<Integer>> parts =
          List.of(split.train(), split.calibration(), split.lines(), split.test());
      for (int part = 0; part < 4; part++) {
        List<String> whose = parts.get(part).stream().map(table::user).toList();
        assertThat(whose.stream().distinct()).hasSize(new int[] {18, 8, 8, 6}[part]);
        heavy[part] +=
            whose.stream()
                .distinct()
                .filter(user -> Collections.frequency(whose, user) > 100)
                .count();
      }
    }
    // of five heavy users a seed
    assertThat(heavy[0] / (5 * seeds)).isCloseTo(0.45, within(0.05));
    assertThat(heavy[1] / (5 * seeds)).isCloseTo(0.2, within(0.05));
    assertThat(heavy[2] / (5 * seeds)).isCloseTo(0.2, within(0.05));
    assertThat(heavy[3] / (5 * seeds)).isCloseTo(0.15, within(0.05));
  }

  @Test
  void rarityCountsInTrainingAndNotAgainInWhatWasThinned() throws UnusableLogException {
    List<List<Double>> weights = new ArrayList<>();
    TreeGrower xgboost = new XgboostGrower();
    TreeGrower watched =
        (train, validation, options) -> {
          weights.add(weightsOf(train));
          weights.add(weightsOf(validation));
          return xgboost.grow(train, validation, options);
        };

    FittedGate gate =
        new GateFit(plan(GatePlan.Calibration.PLATT, List.of(true)), watched, line -> {})
            .fit(GateTable.of(log(32, 400, 0.25), FeatureSet.TEXT, share -> {}));

    assertThat(gate.sizes().calibration().examples()).isPositive();
    assertThat(weights).hasSize(4);
    assertThat(weights.get(0)).contains(1.0, 4.0).allMatch(w -> w == 1 || w == 4);
    assertThat(weights.get(1)).hasSize(gate.sizes().calibration().examples()).allMatch(w -> w == 1);
  }

  @Test
  void fewRareOnesDoNotThrowALogOfShadowModeAway() throws UnusableLogException {
    // a gate was in force for the last few decisions: two of 3,200 were explored with 0.02
    List<LoggedSuggestion> log = new ArrayList<>();
    for (LoggedSuggestion each : log(32, 100, 1)) {
      log.add(gated(each, 1, LoggedSuggestion.Gating.NOT_ENFORCED));
    }
    log.add(gated(log.get(0), 0.02, LoggedSuggestion.Gating.ENFORCED));
    log.add(gated(log.get(2_000), 0.02, LoggedSuggestion.Gating.ENFORCED));
    List<String> said = new ArrayList<>();

    FittedGate gate =
        new GateFit(plan(GatePlan.Calibration.PLATT, List.of(true)), new XgboostGrower(), said::add)
            .fit(GateTable.of(log, FeatureSet.TEXT, share -> {}));

    FittedGate.Sizes sizes = gate.sizes();
    assertThat(sizes.calibration().examples() + sizes.lines().examples() + sizes.test().examples())
        .isGreaterThan(1_600);
    assertThat(said.getFirst())
        .isEqualTo(
            "shown with equal probability: 66 of 3,202 decisions thinned to the rarest (0.02), 3,200"
                + " in which no gate had a say; the latter calibrate, decide and measure");
  }

  @Test
  void whatAGateWithheldForCertainIsNotTakenForNothing() throws UnusableLogException {
    // what is short is withheld, and never explored: all that is shown is long
    List<LoggedSuggestion> log = new ArrayList<>();
    for (LoggedSuggestion each : log(32, 100, 0.5)) {
      log.add(gated(each, 1, LoggedSuggestion.Gating.ENFORCED));
    }
    GateFit fit =
        new GateFit(
            plan(GatePlan.Calibration.PLATT, List.of(true)), new XgboostGrower(), line -> {});
    long never = log.stream().filter(LoggedSuggestion::neverToBeSeen).count();

    assertThat(never).isGreaterThan(600);
    assertThatThrownBy(() -> fit.fit(GateTable.of(log, FeatureSet.TEXT, share -> {})))
        .isInstanceOf(UnusableLogException.class)
        .hasMessageContaining("%,d of 3,200 decisions (".formatted(never))
        .hasMessageContaining("were withheld by a gate that could not have shown them")
        .hasMessageEndingWith("(expected: a gate that explores, or decisions of SHADOW mode)");

    for (LoggedSuggestion each : log(32, 60, 1)) {
      log.add(gated(each, 1, LoggedSuggestion.Gating.NOT_ENFORCED));
    }
    FittedGate gate = fit.fit(GateTable.of(log, FeatureSet.TEXT, share -> {}));
    assertThat(gate.stage(GateStage.SUGGESTION).figures().get("base_rate"))
        .isCloseTo(0.45, within(0.08));
  }

  private static LoggedSuggestion gated(
      LoggedSuggestion each, double propensity, LoggedSuggestion.Gating gating) {
    return new LoggedSuggestion(
        each.tenant(),
        each.user(),
        each.context(),
        each.suggestion(),
        each.shown(),
        each.kept(),
        propensity,
        each.decided(),
        new LoggedSuggestion.Said(OptionalDouble.empty(), OptionalDouble.empty(), false, gating));
  }

  @Test
  void whoseDecisionsMadeAGateIsKnownWithoutTheirNames() throws UnusableLogException {
    List<LoggedSuggestion> log = log(20, 40, 1);
    FittedGate gate =
        new GateFit(
                plan(GatePlan.Calibration.PLATT, List.of(true)), new XgboostGrower(), line -> {})
            .fit(GateTable.of(log, FeatureSet.TEXT, share -> {}));

    TrainedOn trained = gate.trainedOn();
    assertThat(trained.users()).hasSize(17).allMatch(digest -> digest.matches("[0-9a-f]{16}"));
    assertThat(log.stream().filter(trained::covers)).hasSize(17 * 40);
    LoggedSuggestion covered = log.stream().filter(trained::covers).findFirst().orElseThrow();
    assertThat(trained.covers(later(covered))).isFalse();
  }

  private static LoggedSuggestion later(LoggedSuggestion each) {
    return new LoggedSuggestion(
        each.tenant(),
        each.user(),
        each.context(),
        each.suggestion(),
        each.shown(),
        each.kept(),
        each.propensity(),
        each.decided().plusSeconds(1),
        each.said());
  }

  private static List<Double> weightsOf(TreeGrower.Examples examples) {
    return IntStream.range(0, examples.size()).mapToObj(examples::weight).toList();
  }

  @Test
  void isotonicCalibrationAndTheOtherReadingAreFittedAsAsked() throws UnusableLogException {
    FittedGate gate =
        new GateFit(
                plan(GatePlan.Calibration.ISOTONIC, List.of(false)),
                new XgboostGrower(),
                line -> {})
            .fit(GateTable.of(log(16, 100, 1), FeatureSet.TEXT_AND_HISTORY, share -> {}));

    assertThat(gate.stage(GateStage.SUGGESTION).calibration())
        .isInstanceOf(GateCalibration.Isotonic.class);
    assertThat(gate.rule().secondLook()).isFalse();
    assertThat(gate.spec(GateStage.CONTEXT, 0.05).secondLook()).isFalse();
    // nobody knew the past or asked for scores: the gate may do without
    assertThat(gate.spec(GateStage.SUGGESTION, 0.05).sometimesMissing())
        .contains("accepted_share", "reward", "harm_probability")
        .doesNotContain("log_prob_sum", "suggestion_characters");
  }

  @Test
  void whatACandidateWouldDoIsEstimatedFromWhatAnotherDid()
      throws IOException, UnusableLogException {
    var context =
        TinyGates.write(
            root,
            "a-context",
            "1",
            TinyGates.spec(GateStage.CONTEXT, 0, 0, 0),
            TinyGates.trees(GateStage.CONTEXT, "line_characters", 10));
    var suggestion =
        TinyGates.write(
            root,
            "a-suggestion",
            "1",
            TinyGates.spec(GateStage.SUGGESTION, 0.5, 0, 0),
            TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10));
    try (AcceptModel one = GateModelFolder.open(context, "a-context", "1");
        AcceptModel two = GateModelFolder.open(suggestion, "a-suggestion", "1")) {
      CandidateGate candidate = new CandidateGate(one, two); // shows what is long, half of all
      // a log whose gate hid at random: three of four shown
      List<LoggedSuggestion> log = randomlyShown(40, 250, 0.75);

      GateEvaluation found = GateEvaluation.of(candidate, log, OffPolicy.standard(), share -> {});

      assertThat(found.decisions()).isEqualTo(10_000);
      assertThat(found.shown()).isCloseTo(7_500, within(200));
      covers(found.shownShare(), 0.5);
      covers(found.keptOfShown(), LONG);
      covers(found.rejectedOfHidden(), 1 - SHORT);
      covers(found.keptOfAll(), LONG / 2);
      covers(found.keptOfAllRobust(), LONG / 2);
      assertThat(width(found.keptOfAllRobust())).isLessThan(width(found.keptOfAll()));

      GateEvaluation little =
          GateEvaluation.of(candidate, log.subList(0, 20), OffPolicy.standard(), share -> {});
      assertThat(little.keptOfShown()).isInstanceOf(OffPolicyEstimate.TooLittle.class);
    }
  }

  @Test
  void weeksOfATenantWhoseUsersChangedAlarmAndOthersDoNot() {
    SplittableRandom random = new SplittableRandom(3);
    List<LoggedSuggestion> log = new ArrayList<>();
    for (int i = 0; i < 1_200; i++) {
      for (String tenant : List.of("calm", "changed")) {
        boolean late = i % 2 == 0;
        double p = random.nextDouble(0.1, 0.7);
        double truth = tenant.equals("changed") && late ? p / 2 : p;
        log.add(
            new LoggedSuggestion(
                tenant,
                "u" + i / 2 % 60,
                GateContext.of("x"),
                Optional.of(new GateSuggestion("y", PerToken.of(-1), Optional.empty())),
                true,
                Optional.of(random.nextDouble() < truth),
                1,
                Instant.parse(late ? "2026-01-01T00:00:00Z" : "2025-12-28T23:59:59Z"),
                new LoggedSuggestion.Said(
                    OptionalDouble.of(0.9),
                    OptionalDouble.of(p),
                    false,
                    LoggedSuggestion.Gating.UNKNOWN)));
      }
    }

    GateDrift drift = GateDrift.of(log, 0.01);

    assertThat(drift.cells())
        .extracting(GateDrift.Cell::tenant)
        .containsExactly("calm", "calm", "changed", "changed");
    assertThat(drift.cells())
        .extracting(GateDrift.Cell::week)
        .containsExactly("2025-W52", "2026-W01", "2025-W52", "2026-W01");
    assertThat(drift.cells())
        .extracting(GateDrift.Cell::alarm)
        .containsExactly(false, false, false, true);
    assertThat(drift.cells()).extracting(GateDrift.Cell::tooFewUsers).containsOnly(false);
    assertThat(drift.cells()).extracting(cell -> cell.drift().users()).containsOnly(60);
    assertThat(drift.alarms()).isTrue();
    // the same of five users, who can be unlike others by themselves
    List<LoggedSuggestion> ofFive =
        log.stream().filter(each -> each.user().matches("u[0-4]")).toList();
    GateDrift few = GateDrift.of(ofFive, 0.01);
    assertThat(few.alarms()).isFalse();
    assertThat(few.cells()).extracting(GateDrift.Cell::tooFewUsers).containsOnly(true);
    assertThat(GateDrift.of(List.of(), 0.01).alarms()).isFalse();
  }

  private static GatePlan plan(GatePlan.Calibration calibration, List<Boolean> readings) {
    return new GatePlan(
        0.8,
        0.1,
        GateGuarantee.Unit.GROUP,
        readings,
        LearnThenTest.Aim.MOST_HIDDEN,
        calibration,
        0.05,
        new TreeGrower.Options(60, 3, 0.1, 4, 1),
        1);
  }

  private static void covers(OffPolicyEstimate estimate, double truth) {
    Interval interval = ((OffPolicyEstimate.Estimated) estimate).value();
    // 95 % intervals of a fixed seed, made a little wider: what is checked is that nothing is
    // biased
    double slack = interval.high() - interval.low();
    assertThat(truth).isBetween(interval.low() - slack / 2, interval.high() + slack / 2);
    assertThat(slack).isLessThan(0.1);
  }

  private static double width(OffPolicyEstimate estimate) {
    Interval interval = ((OffPolicyEstimate.Estimated) estimate).value();
    return interval.high() - interval.low();
  }

  /** The gate in force hides what is short, but for an exploration share. */
  private static List<LoggedSuggestion> log(int users, int each, double explored) {
    SplittableRandom random = new SplittableRandom(5);
    List<LoggedSuggestion> log = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      for (int i = 0; i < each; i++) {
        boolean isLong = random.nextBoolean();
        boolean shown = isLong || random.nextDouble() < explored;
        double propensity = isLong ? 1 : shown ? explored : 1 - explored;
        log.add(logged(random, user, i, isLong, shown, propensity));
      }
    }
    return log;
  }

  private static List<LoggedSuggestion> randomlyShown(int users, int each, double share) {
    SplittableRandom random = new SplittableRandom(11);
    List<LoggedSuggestion> log = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      for (int i = 0; i < each; i++) {
        boolean shown = random.nextDouble() < share;
        log.add(logged(random, user, i, random.nextBoolean(), shown, shown ? share : 1 - share));
      }
    }
    return log;
  }

  private static LoggedSuggestion logged(
      SplittableRandom random,
      int user,
      int index,
      boolean isLong,
      boolean shown,
      double propensity) {
    boolean kept = random.nextDouble() < (isLong ? LONG : SHORT);
    return new LoggedSuggestion(
        "default",
        "u" + user,
        GateContext.of("line %d\nx = ".formatted(index)),
        Optional.of(
            new GateSuggestion(isLong ? "y".repeat(18) : "y", PerToken.of(-1), Optional.empty())),
        shown,
        shown ? Optional.of(kept) : Optional.empty(),
        propensity,
        Instant.EPOCH,
        LoggedSuggestion.Said.nothing());
  }
}
