package io.ballast.rl.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import io.ballast.rl.stats.RunningMoments;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What stands between judging and the loss, against numbers of the papers. */
class RecipeStepsTest {
  private static final LossSpec CLIP = LossSpec.of(ObjectiveKind.PPO_CLIP);

  private static Sample sample(int tokens, double reward) {
    return Sample.rollout(TokenIds.of(new int[tokens]))
        .with(PerSequenceName.TRUNCATED, 0)
        .with(PerSequenceName.REWARD, reward);
  }

  private static Batch group(Sample... samples) {
    return Batch.of(new Group("0", List.of(samples)));
  }

  private static Batch rewards(double... rewards) {
    return group(Arrays.stream(rewards).mapToObj(r -> sample(2, r)).toArray(Sample[]::new));
  }

  private static Batch prepare(Recipe recipe, Batch judged) {
    return new RecipeSteps(recipe, 20).prepare(judged, RecipeState.initial()).batch().orElseThrow();
  }

  private static double[] firstAdvantages(Batch batch) {
    return batch.samples().stream()
        .mapToDouble(sample -> sample.numbers(PerTokenName.ADVANTAGE).get(0))
        .toArray();
  }

  @Test
  void groupsAreTheirOwnBaseline() {
    Batch judged = rewards(1, 0, 0, 1);

    assertThat(firstAdvantages(prepare(Recipe.of(AdvantageKind.GRPO, CLIP), judged)))
        .containsExactly(new double[] {.866024, -.866024, -.866024, .866024}, within(1e-6));
    assertThat(firstAdvantages(prepare(Recipe.of(AdvantageKind.RLOO, CLIP), judged)))
        .containsExactly(new double[] {.666667, -.666667, -.666667, .666667}, within(1e-6));
    assertThat(firstAdvantages(prepare(Recipe.of(AdvantageKind.CENTRED, CLIP), judged)))
        .containsExactly(new double[] {.5, -.5, -.5, .5}, within(1e-12));
  }

  @Test
  void theKlOfEachTokenIsInItsReward() {
    // PPO-max's vector: log π (−1, −2), SFT (−1.5, −1), η .05, r̃ .8 → rewards (−.025, .85)
    Sample judged =
        sample(2, .8)
            .with(PerTokenName.BEHAVIOUR_LOG_PROB, -1, -2)
            .with(PerTokenName.REFERENCE_LOG_PROB, -1.5, -1);
    Batch prepared =
        prepare(Recipe.of(AdvantageKind.RETURN, CLIP).withRewardKl(.05), group(judged));

    assertThat(prepared.samples().getFirst().numbers(PerTokenName.REWARD).toArray())
        .containsExactly(new double[] {-.025, .85}, within(1e-12));
    assertThat(prepared.samples().getFirst().numbers(PerTokenName.ADVANTAGE).toArray())
        .as("rewards to go")
        .containsExactly(new double[] {.825, .85}, within(1e-12));
  }

  @Test
  void ppoMaxIsGaeAsItIs() {
    // the same with V (.2, .4), λ .95: A (.6025, .45), R (.8025, .85)
    Sample judged =
        sample(2, .8)
            .with(PerTokenName.BEHAVIOUR_LOG_PROB, -1, -2)
            .with(PerTokenName.REFERENCE_LOG_PROB, -1.5, -1)
            .with(PerTokenName.BEHAVIOUR_VALUE, .2, .4);
    Recipe shapedElsewhere = Algorithm.PPO_MAX.recipe(20).withShaping(Set.of());
    Sample prepared = prepare(shapedElsewhere, group(judged)).samples().getFirst();

    assertThat(prepared.numbers(PerTokenName.ADVANTAGE).toArray())
        .containsExactly(new double[] {.6025, .45}, within(1e-12));
    assertThat(prepared.numbers(PerTokenName.RETURN).toArray())
        .containsExactly(new double[] {.8025, .85}, within(1e-12));
    Sample whitened =
        prepare(Recipe.of(AdvantageKind.GAE, CLIP).withRewardKl(.05), group(judged))
            .samples()
            .getFirst();
    assertThat(whitened.numbers(PerTokenName.ADVANTAGE).toArray())
        .as("PPO's: of two values ±1/√2")
        .containsExactly(new double[] {.707106, -.707106}, within(1e-4));
  }

  @Test
  void aCompletionThatWasCutOffHasItsRewardAndNothingAfter() {
    Recipe gae =
        Recipe.of(AdvantageKind.GAE, CLIP)
            .withKnobs(Knobs.none().with(Knob.TRACE_DECAY, 1).with(Knob.WHITEN, 0));
    Sample judged =
        sample(3, 1)
            .with(PerTokenName.BEHAVIOUR_VALUE, .5, .6, .4)
            .with(PerSequenceName.TRUNCATED, 1);
    Sample prepared = prepare(gae, group(judged)).samples().getFirst();

    assertThat(prepared.numbers(PerTokenName.RETURN).toArray())
        .as("what the critic says is not paid on top")
        .containsExactly(new double[] {1, 1, 1}, within(1e-12));
  }

  @Test
  void thePriceOfHarmIsTakenOffWholeAfterShaping() {
    Recipe shaped = Recipe.of(AdvantageKind.RETURN, CLIP).withShaping(Set.of(ShapingKind.HISTORY));
    Batch prepared =
        prepare(
            shaped,
            group(
                sample(2, 1).with(PerSequenceName.COST, 0),
                sample(2, 2).with(PerSequenceName.COST, 1),
                sample(2, 4).with(PerSequenceName.COST, 1)));

    assertThat(firstAdvantages(prepared))
        .containsExactly(new double[] {-.8, -1.218218, -.2}, within(1e-6));
  }

  @Test
  void aPairIsOfWhatIsLearnedFrom() {
    Recipe recipe =
        Algorithm.ONLINE_DPO.recipe(20).withShaping(Set.of(ShapingKind.OVERLONG_FILTER));
    Batch prepared =
        prepare(
            recipe,
            group(sample(2, 3).with(PerSequenceName.TRUNCATED, 1), sample(2, 2), sample(2, 1)));

    assertThat(prepared.groups().getFirst().only(SampleRole.CHOSEN).number(PerSequenceName.REWARD))
        .isEqualTo(2);
  }

  @Test
  void remaxComparesWithTheGreedyCompletionAndDoesNotLearnFromIt() {
    Sample judged = sample(3, 1);
    Sample greedy = sample(5, .6).with(SampleRole.BASELINE);
    Batch prepared = prepare(Algorithm.REMAX.recipe(20).withRewardKl(0), group(judged, greedy));

    assertThat(prepared.samples()).hasSize(1);
    assertThat(prepared.samples().getFirst().numbers(PerTokenName.ADVANTAGE).toArray())
        .containsExactly(new double[] {.4, .4, .4}, within(1e-12));
  }

  @Test
  void theRunningMeanIsOfTheIterationsBefore() {
    RecipeSteps steps = new RecipeSteps(Recipe.of(AdvantageKind.RUNNING_MEAN, CLIP), 20);
    RecipeSteps.Prepared first = steps.prepare(rewards(1, 3), RecipeState.initial());
    RecipeSteps.Prepared second = steps.prepare(rewards(5, 7), first.next());

    assertThat(firstAdvantages(first.batch().orElseThrow()))
        .as("nothing before: its own mean")
        .containsExactly(-1, 1);
    assertThat(firstAdvantages(second.batch().orElseThrow())).containsExactly(3, 5);
    assertThat(second.next().returns()).isEqualTo(RunningMoments.empty().add(1, 3).add(5, 7));
  }

  @Test
  void historyIsTheUnitOfRewards() {
    // PPO-max: r (1, 2, 4), clip .8; mean 7/3, σ 1.527525
    Batch prepared =
        prepare(
            Recipe.of(AdvantageKind.RETURN, CLIP).withShaping(Set.of(ShapingKind.HISTORY)),
            rewards(1, 2, 4));

    assertThat(firstAdvantages(prepared))
        .containsExactly(new double[] {-.8, -.218218, .8}, within(1e-6));
  }

  @Test
  void whatComesNearTheLimitCostsAndWhatIsCutOffIsLeftOut() {
    Recipe dapo =
        Recipe.of(AdvantageKind.CENTRED, CLIP)
            .withShaping(Set.of(ShapingKind.OVERLONG_PENALTY, ShapingKind.OVERLONG_FILTER));
    Batch prepared =
        prepare(
            dapo,
            group(sample(16, 1), sample(18, 1), sample(20, 1).with(PerSequenceName.TRUNCATED, 1)));

    // L_max 20, L_cache 4: 16, 18 and 20 tokens cost 0, .5 and 1; the group still counts all
    assertThat(firstAdvantages(prepared)).containsExactly(.5, 0, -.5);
    assertThat(prepared.samples().stream().map(Sample::maskedTokens))
        .containsExactly(16.0, 18.0, 0.0);
  }

  @Test
  void groupsWithoutASignalAreDropped() {
    Recipe recipe = Recipe.of(AdvantageKind.GRPO, CLIP).withSelector(SelectorKind.DYNAMIC_SAMPLING);
    Batch judged =
        new Batch(
            List.of(
                new Group("0", List.of(sample(2, 1), sample(2, 1))),
                new Group("1", List.of(sample(2, 1), sample(2, 0)))));

    assertThat(prepare(recipe, judged).groups()).extracting(Group::groupId).containsExactly("1");
    assertThat(new RecipeSteps(recipe, 20).prepare(rewards(1, 1), RecipeState.initial()).batch())
        .isEmpty();
  }

  @Test
  void whetherAGroupIsKeptIsKnownBeforeTheOthersAreJudged() {
    Recipe recipe =
        Recipe.of(AdvantageKind.GRPO, CLIP)
            .withSelector(SelectorKind.DYNAMIC_SAMPLING)
            .withShaping(Set.of(ShapingKind.OVERLONG_PENALTY))
            .withKnobs(Knobs.none().with(Knob.OVERLONG_TOKENS, 4));
    Sample cheap = sample(2, 1).with(PerSequenceName.COST, 0);
    List<Group> judged =
        List.of(
            new Group("equal", List.of(cheap, cheap)),
            new Group("by reward", List.of(cheap, sample(2, 0))),
            new Group("by harm", List.of(cheap, cheap.with(PerSequenceName.COST, .5))),
            new Group("by length", List.of(sample(2, 1), sample(20, 1))),
            new Group(
                "harm makes them equal",
                List.of(cheap, sample(2, 1.5).with(PerSequenceName.COST, .5))));

    List<String> kept =
        judged.stream().filter(new RecipeSteps(recipe, 20)::keeps).map(Group::groupId).toList();

    assertThat(kept).containsExactly("by reward", "by harm", "by length");
    assertThat(prepare(recipe, new Batch(judged)).groups())
        .extracting(Group::groupId)
        .isEqualTo(kept);
    assertThatThrownBy(
            () ->
                new RecipeSteps(recipe.withShaping(Set.of(ShapingKind.HISTORY)), 20)
                    .keeps(judged.getFirst()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aGroupThatIsMaskedWholeHasNoSignalWhateverItsRewards() {
    Recipe filter =
        Recipe.of(AdvantageKind.GRPO, CLIP).withShaping(Set.of(ShapingKind.OVERLONG_FILTER));
    Recipe dynamic = filter.withSelector(SelectorKind.DYNAMIC_SAMPLING);
    Sample good = sample(2, 1);
    Sample bad = sample(2, 0).with(PerSequenceName.TRUNCATED, 1);
    Group cut = new Group("cut", List.of(good.with(PerSequenceName.TRUNCATED, 1), bad));
    Group one = new Group("one", List.of(good, bad));

    assertThat(new RecipeSteps(filter, 20).prepare(Batch.of(cut), RecipeState.initial()).batch())
        .isEmpty();
    assertThat(new RecipeSteps(dynamic, 20).prepare(Batch.of(cut), RecipeState.initial()).batch())
        .isEmpty();
    assertThat(prepare(dynamic, Batch.of(cut, one)).groups())
        .extracting(Group::groupId)
        .containsExactly("one");
    assertThat(new RecipeSteps(dynamic, 20).keeps(cut)).isFalse();
    assertThat(new RecipeSteps(dynamic, 20).keeps(one)).isTrue();
    assertThat(new RecipeSteps(dynamic.withShaping(Set.of()), 20).keeps(cut))
        .as("where nothing is masked")
        .isTrue();
  }

  @Test
  void pairsAreTheBestAgainstTheWorst() {
    Batch prepared = prepare(Algorithm.ONLINE_DPO.recipe(20), rewards(.2, .9, -1, .9));
    Group pair = prepared.groups().getFirst();

    assertThat(pair.only(SampleRole.CHOSEN).number(PerSequenceName.REWARD)).isEqualTo(.9);
    assertThat(pair.only(SampleRole.REJECTED).number(PerSequenceName.REWARD)).isEqualTo(-1);
    assertThat(pair.size()).isEqualTo(2);
    assertThat(
            new RecipeSteps(Algorithm.ONLINE_DPO.recipe(20), 20)
                .prepare(rewards(1, 1), RecipeState.initial())
                .batch())
        .as("equal rewards prefer nothing")
        .isEmpty();
  }

  @Test
  void ratingsAreAboveAndBelowTheMean() {
    Batch prepared = prepare(Algorithm.KTO.recipe(20), rewards(0, 1, 2));

    assertThat(prepared.samples().stream().map(Sample::role))
        .containsExactly(SampleRole.UNDESIRABLE, SampleRole.DESIRABLE);
  }

  @Test
  void thePolicyMeetsTheReferenceOneByOne() {
    Recipe recipe =
        Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.DPO))
            .withSource(SourceKind.POLICY_AND_REFERENCE)
            .withSelector(SelectorKind.AGAINST_REFERENCE);
    Batch prepared =
        prepare(
            recipe,
            group(
                sample(2, 1),
                sample(2, 0),
                sample(2, .5).with(SampleRole.REFERENCE_ROLLOUT),
                sample(2, 3).with(SampleRole.REFERENCE_ROLLOUT)));

    assertThat(prepared.groups()).hasSize(2);
    assertThat(
            prepared.groups().stream()
                .map(pair -> pair.only(SampleRole.CHOSEN).number(PerSequenceName.REWARD)))
        .containsExactly(1.0, 3.0);
    assertThat(
            prepared.groups().stream()
                .map(pair -> pair.only(SampleRole.CALIBRATION).number(PerSequenceName.REWARD)))
        .as("the reference's own, for its likelihood")
        .containsExactly(.5, 3.0);
  }

  /** Of data nothing but the label is read: there is no reward. */
  private static Sample labelled(int tokens, SampleRole role) {
    return Sample.rollout(TokenIds.of(new int[tokens])).with(role);
  }

  private static java.util.Optional<Batch> ofData(SelectorKind selector, Sample... samples) {
    Recipe recipe =
        Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.DPO))
            .withSource(SourceKind.DATA)
            .withSelector(selector);
    return new RecipeSteps(recipe, 20).prepare(group(samples), RecipeState.initial()).batch();
  }

  @Test
  void pairsOfDataAreThoseThatTheDataHas() {
    Batch pair =
        ofData(
                SelectorKind.PAIRS_OF_DATA,
                labelled(3, SampleRole.CHOSEN),
                labelled(2, SampleRole.REJECTED))
            .orElseThrow();

    assertThat(pair.samples()).extracting(Sample::size).containsExactly(3, 2);
    assertThat(pair.samples())
        .extracting(Sample::role)
        .containsExactly(SampleRole.CHOSEN, SampleRole.REJECTED);
    assertThat(ofData(SelectorKind.PAIRS_OF_DATA, labelled(3, SampleRole.CHOSEN)))
        .as("a pair of which one is gone")
        .isEmpty();
  }

  @Test
  void ratingsOfDataAreOfEachCompletionByItself() {
    assertThat(
            ofData(
                    SelectorKind.RATINGS_OF_DATA,
                    labelled(3, SampleRole.CHOSEN),
                    labelled(2, SampleRole.REJECTED))
                .orElseThrow()
                .samples())
        .extracting(Sample::role)
        .containsExactly(SampleRole.DESIRABLE, SampleRole.UNDESIRABLE);
    assertThat(
            ofData(SelectorKind.RATINGS_OF_DATA, labelled(2, SampleRole.REJECTED))
                .orElseThrow()
                .samples())
        .extracting(Sample::role)
        .containsExactly(SampleRole.UNDESIRABLE);
  }
}
