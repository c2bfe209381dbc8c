package io.ballast.rl.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.TokenIds;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which parts go together, and that every published algorithm is such a recipe. */
class RecipeTest {
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void everyAlgorithmCanRun(Algorithm algorithm) {
    Recipe recipe = algorithm.recipe(12);

    assertThat(recipe.flaws()).isEmpty();
    assertThat(recipe.loss().objective()).isNotNull();
    assertThat(algorithm.paper()).isNotBlank();
  }

  @Test
  void aPartThatLacksWhatItReadsSaysWhoWouldGiveIt() {
    Recipe unpaired = Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.DPO));

    assertThat(unpaired.flaws())
        .containsExactly(
            new Recipe.Flaw(
                ObjectiveKind.DPO,
                "it needs pairs of a chosen and a rejected completion, which would be given by"
                    + " selector BEST_AND_WORST or selector AGAINST_REFERENCE or selector"
                    + " PAIRS_OF_DATA"));
    assertThat(unpaired.withSelector(SelectorKind.BEST_AND_WORST).flaws()).isEmpty();
  }

  @Test
  void oneRatioNeedsOneAdvantage() {
    Recipe gspo = Recipe.of(AdvantageKind.GAE, LossSpec.of(ObjectiveKind.GSPO));

    assertThat(gspo.flaws()).extracting(Recipe.Flaw::part).containsExactly(ObjectiveKind.GSPO);
    assertThat(gspo.withAdvantage(AdvantageKind.RLOO).flaws()).isEmpty();
  }

  @Test
  void dapoSamplesUntilItsBatchIsFullAndAHistoryOfRewardsHidesWhenItIs() {
    Recipe dapo = Algorithm.DAPO.recipe(12);

    assertThat(dapo.maxRounds()).isEqualTo(10);
    assertThat(dapo.selectsByGroup()).isTrue();
    assertThat(dapo.withSelector(SelectorKind.ALL).maxRounds()).isEqualTo(1);
    assertThat(dapo.withSelector(SelectorKind.ALL).knobs().values())
        .doesNotContainKey(Knob.MAX_ROUNDS);
    Recipe hidden = dapo.withShaping(Set.of(ShapingKind.HISTORY));
    assertThat(hidden.selectsByGroup()).isFalse();
    assertThat(hidden.flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(SelectorKind.DYNAMIC_SAMPLING);
    Recipe once = hidden.withKnobs(hidden.knobs().with(Knob.MAX_ROUNDS, 1));
    assertThat(once.flaws()).as("it drops, and samples nothing in its place").isEmpty();
    assertThat(once.maxRounds()).isEqualTo(1);
  }

  @Test
  void aCriticMayLearnAloneInTheFirstIterations() {
    Recipe most = Algorithm.PPO_MAX.recipe(12);

    assertThat(most.warmsUp(5)).isTrue();
    assertThat(most.warmsUp(6)).isFalse();
    assertThat(most.criticObjective().requires())
        .as("nothing of the policy")
        .containsExactlyInAnyOrder(
            PerTokenName.VALUE, PerTokenName.BEHAVIOUR_VALUE, PerTokenName.RETURN);
    assertThat(Algorithm.PPO.recipe(12).warmsUp(1)).isFalse();
    assertThat(most.withAdvantage(AdvantageKind.GRPO).warmsUp(1)).as("without a critic").isFalse();
    assertThat(most.withKnobs(most.knobs().with(Knob.VALUE_COEFFICIENT, 0)).flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(AdvantageKind.GAE);
  }

  @Test
  void theCriticsLossWeighsAloneWhatItWeighsBesideThePolicys() {
    // V = 0.5, G = 1, the only token: 0.1·½·0.5², and by V 0.1·(0.5 − 1)
    Batch batch =
        Batch.of(
            new Group(
                "",
                List.of(
                    Sample.rollout(TokenIds.of(new int[] {1}))
                        .with(PerTokenName.VALUE, 0.5)
                        .with(PerTokenName.BEHAVIOUR_VALUE, 0.5)
                        .with(PerTokenName.RETURN, 1))));

    ObjectiveResult result = Algorithm.PPO.recipe(12).criticObjective().evaluate(batch);

    assertThat(result.value()).isCloseTo(0.0125, within(1e-12));
    assertThat(result.gradients().getFirst().of(PerTokenName.VALUE).get(0))
        .isCloseTo(-0.05, within(1e-12));
  }

  @Test
  void whatNobodyReadsIsAFlaw() {
    LossSpec clip = LossSpec.of(ObjectiveKind.PPO_CLIP);

    assertThat(Recipe.of(AdvantageKind.GRPO, clip).withSource(SourceKind.POLICY_AND_GREEDY).flaws())
        .containsExactly(
            new Recipe.Flaw(SourceKind.POLICY_AND_GREEDY, "the advantage reads no greedy reward"));
    assertThat(
            Recipe.of(AdvantageKind.GRPO, clip).withSelector(SelectorKind.BEST_AND_WORST).flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(SelectorKind.BEST_AND_WORST);
    assertThat(
            Recipe.of(AdvantageKind.RLOO, LossSpec.of(ObjectiveKind.DPO))
                .withSelector(SelectorKind.BEST_AND_WORST)
                .flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(AdvantageKind.RLOO);
    assertThat(Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.CROSS_ENTROPY)).flaws())
        .as("it would learn from all that was written")
        .extracting(Recipe.Flaw::part)
        .containsExactly(ObjectiveKind.CROSS_ENTROPY);
    assertThat(
            Recipe.of(AdvantageKind.RETURN, clip)
                .withSource(SourceKind.POLICY_AND_REFERENCE)
                .flaws())
        .as("the reference's completions are not on the policy")
        .extracting(Recipe.Flaw::part)
        .containsExactly(SourceKind.POLICY_AND_REFERENCE);
    assertThat(Algorithm.ONLINE_DPO.recipe(12).withRewardKl(0.1).flaws()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = ObjectiveKind.class,
      names = {"DPO", "CDPO", "RDPO", "IPO", "SLIC", "SIMPO", "ORPO", "KTO"})
  void everyPreferenceLossLearnsFromData(ObjectiveKind kind) {
    Recipe onData =
        Recipe.of(AdvantageKind.NONE, LossSpec.of(kind))
            .withSource(SourceKind.DATA)
            .withSelector(
                kind == ObjectiveKind.KTO
                    ? SelectorKind.RATINGS_OF_DATA
                    : SelectorKind.PAIRS_OF_DATA);

    assertThat(onData.flaws()).isEmpty();
    assertThat(onData.withSource(SourceKind.POLICY).flaws())
        .containsExactly(
            new Recipe.Flaw(
                onData.selector(),
                "it needs completions that come with a label, which would be given by source DATA"));
  }

  @Test
  void dataHasNoRewardsNoGroupsAndNoKl() {
    Recipe dpo = Algorithm.DPO.recipe(12);
    Recipe grpo = Algorithm.GRPO.recipe(12).withSource(SourceKind.DATA);

    assertThat(grpo.flaws())
        .extracting(Recipe.Flaw::part)
        .contains(AdvantageKind.GRPO, SourceKind.DATA);
    assertThat(dpo.withSelector(SelectorKind.ALL).flaws())
        .contains(
            new Recipe.Flaw(
                SourceKind.DATA,
                "the selector would take what is in the data for what the policy in training wrote"));
    assertThat(dpo.withShaping(Set.of(ShapingKind.OVERLONG_FILTER)).flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(ShapingKind.OVERLONG_FILTER);
    assertThat(
            dpo.withLoss(loss -> loss.withKl(0.1, io.ballast.rl.regulariser.KlEstimator.K3))
                .flaws())
        .extracting(Recipe.Flaw::part)
        .containsExactly(SourceKind.DATA);
  }

  @Test
  void ofDataASelectorGivesWhatItGaveOfSamples() {
    for (SelectorKind selector : SelectorKind.values()) {
      assertThat(selector.ofData().facts().gives()).isEqualTo(selector.facts().gives());
    }
  }

  @Test
  void theCoefficientOfTheKlMovesToItsTargetWhereverItIs() {
    // error clip(3/2 − 1, ±0.2) = 0.2; of 10 completions in 100: β·(1 + 0.2·0.1)
    KlTarget target = new KlTarget(2, 100);
    Recipe inReward = Algorithm.RLOO.recipe(12).withRewardKl(0.1).withKlTarget(target);
    Recipe inLoss =
        Algorithm.GRPO
            .recipe(12)
            .withLoss(loss -> loss.withKl(0.1, KlEstimator.K2))
            .withKlTarget(target);

    RecipeState next = inReward.steered(RecipeState.initial(), 3, 10);

    assertThat(next.klCoefficient().orElseThrow()).isCloseTo(0.102, within(1e-15));
    assertThat(inLoss.steered(RecipeState.initial(), 3, 10)).isEqualTo(next);
    assertThat(inReward.at(next).rewardKl().coefficient())
        .isEqualTo(next.klCoefficient().getAsDouble());
    assertThat(inReward.at(next).loss()).isEqualTo(inReward.loss());
    assertThat(inLoss.at(next).loss())
        .isEqualTo(inLoss.loss().withKl(next.klCoefficient().getAsDouble(), KlEstimator.K2));
    assertThat(inLoss.at(next).rewardKl()).isEqualTo(RewardKl.none());
    assertThat(inLoss.at(RecipeState.initial())).isEqualTo(inLoss);
    // a KL of 0 is an error of −0.2: 0.102·(1 − 0.02)
    assertThat(inLoss.at(next).steered(next, 0, 10).klCoefficient().orElseThrow())
        .isCloseTo(0.09996, within(1e-15));
  }

  @Test
  void withoutATargetTheCoefficientStays() {
    Recipe recipe = Algorithm.RLOO.recipe(12);

    assertThat(recipe.steered(RecipeState.initial(), 30, 10)).isEqualTo(RecipeState.initial());
  }

  @Test
  void aRecipeHasTheKnobsThatItsPartsReadAndNoOthers() {
    Recipe gae =
        Recipe.of(AdvantageKind.GAE, LossSpec.of(ObjectiveKind.PPO_CLIP))
            .withKnobs(Knobs.none().with(Knob.TRACE_DECAY, 0.5).with(Knob.REWARD_CLIP, 3));

    assertThat(gae.knobs().get(Knob.TRACE_DECAY)).isEqualTo(0.5);
    assertThat(gae.knobs().get(Knob.DISCOUNT)).isEqualTo(1);
    assertThat(gae.knobs().values()).doesNotContainKey(Knob.REWARD_CLIP);
    assertThat(gae.withAdvantage(AdvantageKind.RLOO).knobs().values()).isEmpty();
    assertThat(gae.withShaping(Set.of(ShapingKind.HISTORY)).knobs().get(Knob.REWARD_CLIP))
        .isEqualTo(0.8);
  }

  @Test
  void knobsOutOfRangeOrNotReadAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LossSpec.of(ObjectiveKind.PPO_CLIP).with(Knob.CLIP_LOW, 1.5))
        .withMessage("clip_low: 1.5 (expected: > 0 and < 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LossSpec.of(ObjectiveKind.DPO).with(Knob.CLIP_LOW, 0.1))
        .withMessage("clip_low: beside DPO (expected: absent; it reads beta)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Knobs.none().with(Knob.BETA, Double.NaN))
        .withMessage("beta: NaN (expected: > 0)");
  }

  @ParameterizedTest
  @EnumSource(Knob.class)
  void everyKnobIsReadBySomePartThatGivesItADefault(Knob knob) {
    assertThat(
            Stream.<Part[]>of(
                    ShapingKind.values(),
                    SelectorKind.values(),
                    AdvantageKind.values(),
                    ObjectiveKind.values())
                .flatMap(Arrays::stream)
                .filter(part -> part.facts().knobs().values().containsKey(knob)))
        .isNotEmpty();
  }
}
