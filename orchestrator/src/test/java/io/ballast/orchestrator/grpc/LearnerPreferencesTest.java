package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a session's numbers are: objectives that compare completions against their formulas. */
class LearnerPreferencesTest extends LearnerObjectiveCase {
  @Test
  void dpoStartsAtTheLogarithmOfTwo() {
    ForwardBackwardResult result =
        train(ObjectiveKind.OBJECTIVE_KIND_DPO, List.of(GROUPS.getFirst()));
    assertThat(result.getLoss()).isCloseTo(Math.log(2), within(TOLERANCE));
    assertThat(result.getMetricsMap()).containsEntry("preference_margin", 0.0);
  }

  @Test
  void knobsAreSentByName() {
    TrainingGroup pair = GROUPS.getFirst();
    // policy and reference are the same: the margin is 0
    NamedObjective ipo = objective(ObjectiveKind.OBJECTIVE_KIND_IPO).putKnobs("beta", 0.25).build();
    assertThat(learner.train(session, ipo, List.of(pair)).getLoss())
        .as("(0 − 1/(2β))²")
        .isCloseTo(4, within(TOLERANCE));
    assertThat(
            learner
                .train(
                    session,
                    objective(ObjectiveKind.OBJECTIVE_KIND_RDPO).putKnobs("flip_rate", 0.3).build(),
                    List.of(pair))
                .getLoss())
        .isCloseTo(Math.log(2), within(TOLERANCE));
    refused(ipo.toBuilder().putKnobs("clip_low", 0.1).build(), "objective.clip_low: beside IPO");
    refused(ipo.toBuilder().putKnobs("bta", 0.1).build(), "objective.knobs.bta: unknown");
    refused(ipo.toBuilder().setBeta(1).build(), "objective.knobs.beta: beside objective.beta");
    refused(ipo.toBuilder().putKnobs("beta", -1).build(), "objective.beta: -1.0 (expected: > 0)");
    NamedObjective orpo = objective(ObjectiveKind.OBJECTIVE_KIND_ORPO).build();
    refused(
        orpo.toBuilder().setBeta(0.25).build(), "objective.beta: beside ORPO (expected: absent)");
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_CISPO).setClipLow(0.1).build(),
        "objective.clip_low: beside CISPO (expected: absent)");
  }

  @Test
  void pairsWithoutAReferenceAreComparedByTheirFormulas() {
    List<TrainingGroup> pair = List.of(GROUPS.getFirst());
    ForwardBackwardResult slic = train(ObjectiveKind.OBJECTIVE_KIND_SLIC, pair);
    double chosen = sum(slic, 0, 0);
    double rejected = sum(slic, 0, 1);
    // max(0, δ − log π(y_w) + log π(y_l)) − λ·log π(y_w), δ = 1, λ = 0.1
    assertThat(slic.getLoss())
        .isCloseTo(Math.max(0, 1 - chosen + rejected) - 0.1 * chosen, within(TOLERANCE));
    // −log σ(β(mean log π(y_w) − mean log π(y_l)) − γ), β = 2.5, γ = 1.375
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_SIMPO, pair).getLoss())
        .isCloseTo(
            Math.log1p(Math.exp(1.375 - 2.5 * (chosen / 4 - rejected / 2))), within(TOLERANCE));
    // −mean log π(y_w) − λ·log σ(log-odds(y_w) − log-odds(y_l)), λ = 0.1
    double odds = logOdds(chosen / 4) - logOdds(rejected / 2);
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_ORPO, pair).getLoss())
        .isCloseTo(-chosen / 4 + 0.1 * Math.log1p(Math.exp(-odds)), within(TOLERANCE));
  }

  private static double logOdds(double logProb) {
    return logProb - Math.log1p(-Math.exp(logProb));
  }

  @Test
  void xpoReadsWhatTheReferenceWroteBesideThePair() {
    TrainingGroup group =
        GROUPS.getFirst().toBuilder()
            .addCompletions(
                TrainingCompletion.newBuilder().setTokens(tokens(30, 31)).setFromReference(true))
            .build();
    NamedObjective xpo =
        objective(ObjectiveKind.OBJECTIVE_KIND_XPO).putKnobs("optimism", 0.5).build();
    ForwardBackwardResult result = learner.train(session, xpo, List.of(group));
    // the margin is 0: −log σ(0) + α·log π(y_ref)
    assertThat(result.getLoss())
        .isCloseTo(Math.log(2) + 0.5 * sum(result, 0, 2), within(TOLERANCE));
    refused(
        xpo,
        "groups[0].completions: 2, of which 1 preferred and 0 from the reference (expected: 3, of which 1 and 1)");
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_DPO).build(),
        group,
        "groups[0].completions[2].from_reference: beside DPO (expected: false; XPO reads it)");
  }

  @Test
  void ratedCompletionsAreComparedWithWhatTheirCallerEstimated() {
    TrainingGroup.Builder group = GROUPS.getFirst().toBuilder();
    NamedObjective kto = objective(ObjectiveKind.OBJECTIVE_KIND_KTO).build();
    // lr is 0 for both; without z each term is 1 − σ(0)
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo(0.5, within(TOLERANCE));
    group.getCompletionsBuilder(0).setPreferenceBaseline(2);
    // the good one: 1 − σ(.1·(0 − 2)) = .549834
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo((0.549834 + 0.5) / 2, within(TOLERANCE));
  }
}
