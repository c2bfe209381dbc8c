package io.ballast.safety.core.gatefit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.adapter.XgboostGrower;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.testing.TinyGates;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a log proves depends neither on its order nor on what a gate left of it. Long suggestions
 * are kept here with probability 0.8; of short ones it is said how often.
 */
class ThinnedLogTest {
  @TempDir Path root;

  @Test
  void aLogSortedByWhatUsersDoProvesNothingThatIsNotSo() throws UnusableLogException {
    // the first half of the users keeps no short suggestion, the other half 40 %: 80 % of what is
    // hidden would be rejected, and 90 % is asked for
    List<LoggedSuggestion> log = log(500, 8, 1, user -> user < 250 ? 0 : 0.4);

    CertifiedGate found = fit(log, 0.9).lines();

    assertThat(found).isNotInstanceOf(CertifiedGate.Certified.class);
  }

  @Test
  void whatAllUsersRejectIsProvenWhereAllOfItWasShown() throws UnusableLogException {
    assertThat(fit(log(400, 15, 1, user -> 0.1), 0.8).lines())
        .isInstanceOf(CertifiedGate.Certified.class);
  }

  @Test
  void ofALogThatAGateThinnedUsersAreMeasured() throws UnusableLogException {
    // the same with a gate in force that shows a quarter of what it would hide
    FittedGate gate = fit(log(400, 15, 0.25, user -> 0.1), 0.8);

    assertThat(gate.lines())
        .isInstanceOfSatisfying(
            CertifiedGate.Measured.class,
            found -> {
              assertThat(found.why()).isEqualTo(CertifiedGate.Measured.Why.THINNED_LOG);
              assertThat(found.units()).isGreaterThan(found.least());
              assertThat(found.counts().hidden()).isPositive();
            });
    assertThat(gate.guarantee()).isEmpty();
    assertThat(gate.measured().hidden()).isPositive();
  }

  @Test
  void whatCouldNeverHaveBeenShownHasNoNumber() throws IOException, UnusableLogException {
    List<LoggedSuggestion> log = new ArrayList<>();
    for (LoggedSuggestion each : log(40, 50, 0, user -> 0.1)) {
      log.add(each);
    }
    long never = log.stream().filter(LoggedSuggestion::neverToBeSeen).count();
    assertThat(never).isGreaterThan(800);
    try (AcceptModel one =
            open(
                GateStage.CONTEXT,
                TinyGates.write(
                    root,
                    "a-context",
                    "1",
                    TinyGates.spec(GateStage.CONTEXT, 0, 0, 0),
                    TinyGates.trees(GateStage.CONTEXT, "line_characters", 10)));
        AcceptModel open = suggestion("open", 0, 0);
        AcceptModel explores = suggestion("explores", 0.5, 0.02);
        AcceptModel hides = suggestion("hides", 0.5, 0)) {
      for (AcceptModel two : List.of(open, explores)) {
        assertThatThrownBy(
                () ->
                    GateEvaluation.of(
                        new CandidateGate(one, two), log, OffPolicy.standard(), share -> {}))
            .isInstanceOf(UnusableLogException.class)
            .hasMessageStartingWith("%,d of 2,000 decisions (".formatted(never))
            .hasMessageContaining("this one would show them or might");
      }
      GateEvaluation same =
          GateEvaluation.of(new CandidateGate(one, hides), log, OffPolicy.standard(), share -> {});
      assertThat(same.keptOfShown())
          .isInstanceOfSatisfying(
              OffPolicyEstimate.Estimated.class,
              found -> assertThat(found.value().estimate()).isBetween(0.7, 0.9));
      assertThat(same.rejectedOfHidden()).isInstanceOf(OffPolicyEstimate.TooLittle.class);
    }
  }

  private AcceptModel suggestion(String name, double threshold, double exploration)
      throws IOException {
    return GateModelFolder.open(
        TinyGates.write(
            root,
            name,
            "1",
            TinyGates.spec(GateStage.SUGGESTION, threshold, 0, exploration),
            TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10)),
        name,
        "1");
  }

  private static AcceptModel open(GateStage stage, Path folder) throws IOException {
    return GateModelFolder.open(folder, "a-" + stage.name().toLowerCase(Locale.ROOT), "1");
  }

  private static FittedGate fit(List<LoggedSuggestion> log, double target)
      throws UnusableLogException {
    GatePlan plan =
        new GatePlan(
            target,
            0.1,
            GateGuarantee.Unit.GROUP,
            List.of(true),
            LearnThenTest.Aim.MOST_HIDDEN,
            GatePlan.Calibration.PLATT,
            0.05,
            new TreeGrower.Options(60, 3, 0.1, 4, 1),
            1);
    return new GateFit(plan, new XgboostGrower(), line -> {})
        .fit(GateTable.of(log, FeatureSet.TEXT, share -> {}));
  }

  /** Keeps a short suggestion of a user so often. */
  private interface KeepsShort {
    double of(int user);
  }

  /** User by user; the gate in force hides what is short but for an exploration share. */
  private static List<LoggedSuggestion> log(
      int users, int each, double explored, KeepsShort keepsShort) {
    SplittableRandom random = new SplittableRandom(5);
    List<LoggedSuggestion> log = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      for (int i = 0; i < each; i++) {
        boolean isLong = random.nextBoolean();
        boolean shown = isLong || random.nextDouble() < explored;
        boolean kept = random.nextDouble() < (isLong ? 0.8 : keepsShort.of(user));
        log.add(
            new LoggedSuggestion(
                "default",
                "u" + user,
                GateContext.of("line %d\nx = ".formatted(i)),
                Optional.of(
                    new GateSuggestion(
                        isLong ? "y".repeat(18) : "y", PerToken.of(-1), Optional.empty())),
                shown,
                shown ? Optional.of(kept) : Optional.empty(),
                isLong ? 1 : shown ? explored : 1 - explored,
                Instant.EPOCH,
                new LoggedSuggestion.Said(
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    false,
                    explored == 1
                        ? LoggedSuggestion.Gating.NOT_ENFORCED
                        : LoggedSuggestion.Gating.ENFORCED)));
      }
    }
    return log;
  }
}
