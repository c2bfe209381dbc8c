package io.ballast.rl.algorithm;

import io.ballast.rl.advantage.BatchAdvantages;
import io.ballast.rl.advantage.GroupAdvantages;
import io.ballast.rl.advantage.TokenAdvantages;
import io.ballast.rl.advantage.TokenEstimates;
import io.ballast.rl.advantage.TokenRewards;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.selection.DynamicSampling;
import io.ballast.rl.selection.OverlongFilter;
import io.ballast.rl.stats.RunningMoments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * What stands between judging and the loss: shaping, the reward of each token, selection,
 * advantages, in this order. Filters so run before the statistics of groups.
 *
 * <p>A judged batch has {@link PerSequenceName#REWARD} on every completion, unless the recipe reads
 * none, and {@link PerSequenceName#COST}, the price of its harm in the reward's unit, where there
 * is one; roles ROLLOUT, BASELINE and REFERENCE_ROLLOUT, of labelled data CHOSEN and REJECTED;
 * {@link PerSequenceName#TRUNCATED}; with a KL in the reward {@link
 * PerTokenName#BEHAVIOUR_LOG_PROB} and {@link PerTokenName#REFERENCE_LOG_PROB}; with a critic
 * {@link PerTokenName#BEHAVIOUR_VALUE}.
 */
public final class RecipeSteps {
  private static final double EPSILON = 1e-6;
  private static final double WHITENING_EPSILON = 1e-8;

  private final Recipe recipe;
  private final int responseTokens;

  /**
   * @param responseTokens the most that a completion may have, ≥ 1
   */
  public RecipeSteps(Recipe recipe, int responseTokens) {
    this.recipe = recipe;
    this.responseTokens = responseTokens;
  }

  /**
   * What the loss is computed of.
   *
   * @param batch empty: nothing here has a signal
   * @param next what the next iteration begins with
   */
  public record Prepared(Optional<Batch> batch, RecipeState next) {}

  /** Prepares {@code judged}. */
  public Prepared prepare(Batch judged, RecipeState before) {
    return recipe.readsRewards()
        ? rewarded(judged, before)
        : new Prepared(selected(judged).filter(RecipeSteps::hasUnmaskedTokens), before);
  }

  private Prepared rewarded(Batch judged, RecipeState before) {
    RunningMoments rewards = before.rewards().add(rewards(judged));
    Batch rewarded =
        filtered(withTokenRewards(withGreedyRewards(judged.map(each -> shaped(each, rewards)))));
    RunningMoments returns = before.returns().add(returns(rewarded));
    Optional<Batch> batch = selected(rewarded).map(each -> withAdvantages(each, before.returns()));
    return new Prepared(
        batch.filter(RecipeSteps::hasUnmaskedTokens),
        new RecipeState(rewards, returns, before.klCoefficient(), before.texts()));
  }

  private Optional<Batch> selected(Batch batch) {
    List<Group> selected = batch.groups().stream().flatMap(this::select).toList();
    return selected.isEmpty() ? Optional.empty() : Optional.of(new Batch(selected));
  }

  /**
   * Whether {@link #prepare} would keep {@code judged}, which has no baseline, known before the
   * rest of its batch is.
   *
   * @throws IllegalStateException unless the recipe selects by group
   */
  public boolean keeps(Group judged) {
    if (!recipe.selectsByGroup()) {
      throw new IllegalStateException(recipe.selector() + " does not select by group");
    }
    Batch shaped = Batch.of(judged.map(each -> shaped(each, RunningMoments.empty())));
    return hasSignal(filtered(shaped).groups().getFirst());
  }

  private Batch filtered(Batch shaped) {
    return recipe.shaping().contains(ShapingKind.OVERLONG_FILTER)
        ? OverlongFilter.masked(shaped)
        : shaped;
  }

  /** One that is masked whole has none, whatever its rewards: nothing of it would be learned. */
  private static boolean hasSignal(Group filtered) {
    return DynamicSampling.isInformative(filtered.numbers(PerSequenceName.REWARD))
        && hasUnmaskedTokens(Batch.of(filtered));
  }

  private static double[] rewards(Batch batch) {
    return learned(batch).mapToDouble(sample -> sample.number(PerSequenceName.REWARD)).toArray();
  }

  private static double[] returns(Batch batch) {
    return learned(batch)
        .mapToDouble(sample -> sample.numbers(PerTokenName.REWARD).sum())
        .toArray();
  }

  private static Stream<Sample> learned(Batch batch) {
    return batch.samples().stream().filter(sample -> sample.role() != SampleRole.BASELINE);
  }

  private static boolean hasUnmaskedTokens(Batch batch) {
    return batch.samples().stream().anyMatch(sample -> sample.maskedTokens() > 0);
  }

  /** The reward is shaped; the price of harm is then taken off whole, whatever became of it. */
  private Sample shaped(Sample sample, RunningMoments seen) {
    Sample shaped = sample;
    for (ShapingKind kind : recipe.shaping()) {
      double reward = shaped.number(PerSequenceName.REWARD);
      shaped =
          switch (kind) {
            case HISTORY ->
                shaped.with(
                    PerSequenceName.REWARD,
                    TokenRewards.normalised(reward, seen, recipe.knobs().get(Knob.REWARD_CLIP)));
            case OVERLONG_PENALTY -> shaped.with(PerSequenceName.REWARD, reward + penalty(shaped));
            case OVERLONG_FILTER -> shaped; // once it has its reward, which its group still counts
          };
    }
    double price = shaped.perSequence().getOrDefault(PerSequenceName.COST, 0.0);
    return shaped.with(PerSequenceName.REWARD, reward(shaped) - price);
  }

  private double penalty(Sample sample) {
    int buffer = (int) Math.min(recipe.knobs().get(Knob.OVERLONG_TOKENS), responseTokens);
    return TokenRewards.overlongPenalty(
        sample.size(), responseTokens, buffer, recipe.knobs().get(Knob.OVERLONG_PENALTY));
  }

  /** With a greedy completion its reward is every other's baseline, and it leaves the group. */
  private Batch withGreedyRewards(Batch batch) {
    if (recipe.source() != SourceKind.POLICY_AND_GREEDY) {
      return batch;
    }
    List<Group> groups = new ArrayList<>();
    for (Group group : batch.groups()) {
      double greedy = group.only(SampleRole.BASELINE).number(PerSequenceName.REWARD);
      groups.add(
          new Group(
              group.groupId(),
              of(group, SampleRole.ROLLOUT).stream()
                  .map(sample -> sample.with(PerSequenceName.BASELINE, greedy))
                  .toList()));
    }
    return new Batch(groups);
  }

  private Batch withTokenRewards(Batch batch) {
    RewardKl kl = recipe.rewardKl();
    return BatchAdvantages.withTokenRewards(batch, kl.estimator(), kl.coefficient());
  }

  private Stream<Group> select(Group group) {
    return switch (recipe.selector()) {
      case ALL -> Stream.of(group);
      case DYNAMIC_SAMPLING -> hasSignal(group) ? Stream.of(group) : Stream.empty();
      case BEST_AND_WORST -> bestAndWorst(group);
      case ABOVE_AND_BELOW_MEAN -> rated(group);
      case AGAINST_REFERENCE -> againstReference(group);
      case PAIRS_OF_DATA -> labelledPair(group);
      case RATINGS_OF_DATA -> labelledRatings(group);
    };
  }

  /** A pair of which one is gone is none. */
  private static Stream<Group> labelledPair(Group group) {
    List<Sample> chosen = unmasked(group, SampleRole.CHOSEN);
    List<Sample> rejected = unmasked(group, SampleRole.REJECTED);
    return chosen.isEmpty() || rejected.isEmpty()
        ? Stream.empty()
        : Stream.of(new Group(group.groupId(), List.of(chosen.getFirst(), rejected.getFirst())));
  }

  private static Stream<Group> labelledRatings(Group group) {
    List<Sample> rated = new ArrayList<>();
    unmasked(group, SampleRole.CHOSEN)
        .forEach(sample -> rated.add(sample.with(SampleRole.DESIRABLE)));
    unmasked(group, SampleRole.REJECTED)
        .forEach(sample -> rated.add(sample.with(SampleRole.UNDESIRABLE)));
    return rated.isEmpty() ? Stream.empty() : Stream.of(new Group(group.groupId(), rated));
  }

  private static Stream<Group> bestAndWorst(Group group) {
    List<Sample> rollouts = unmasked(group, SampleRole.ROLLOUT);
    if (rollouts.isEmpty()) {
      return Stream.empty();
    }
    Sample best = rollouts.getFirst();
    Sample worst = rollouts.getFirst();
    for (Sample sample : rollouts) {
      best = reward(sample) > reward(best) ? sample : best;
      worst = reward(sample) < reward(worst) ? sample : worst;
    }
    return pair(group, best, worst);
  }

  private static Stream<Group> againstReference(Group group) {
    List<Sample> policy = unmasked(group, SampleRole.ROLLOUT);
    List<Sample> reference = unmasked(group, SampleRole.REFERENCE_ROLLOUT);
    List<Group> pairs = new ArrayList<>();
    for (int i = 0; i < Math.min(policy.size(), reference.size()); i++) {
      Sample mine = policy.get(i);
      Sample theirs = reference.get(i);
      boolean better = reward(mine) > reward(theirs);
      Sample chosen = better ? mine : theirs;
      Sample rejected = better ? theirs : mine;
      if (reward(chosen) > reward(rejected)) {
        pairs.add(
            new Group(
                group.groupId(),
                List.of(
                    chosen.with(SampleRole.CHOSEN),
                    rejected.with(SampleRole.REJECTED),
                    theirs.with(SampleRole.CALIBRATION))));
      }
    }
    return pairs.stream();
  }

  private static Stream<Group> pair(Group group, Sample chosen, Sample rejected) {
    return reward(chosen) > reward(rejected)
        ? Stream.of(
            new Group(
                group.groupId(),
                List.of(chosen.with(SampleRole.CHOSEN), rejected.with(SampleRole.REJECTED))))
        : Stream.empty();
  }

  private static Stream<Group> rated(Group group) {
    List<Sample> rollouts = unmasked(group, SampleRole.ROLLOUT);
    if (rollouts.isEmpty()) {
      return Stream.empty();
    }
    double[] rewards = rollouts.stream().mapToDouble(RecipeSteps::reward).toArray();
    double[] centred = GroupAdvantages.centred(rewards);
    List<Sample> rated = new ArrayList<>();
    for (int i = 0; i < centred.length; i++) {
      if (centred[i] != 0) {
        rated.add(
            rollouts.get(i).with(centred[i] > 0 ? SampleRole.DESIRABLE : SampleRole.UNDESIRABLE));
      }
    }
    return rated.isEmpty() ? Stream.empty() : Stream.of(new Group(group.groupId(), rated));
  }

  private static List<Sample> of(Group group, SampleRole role) {
    return group.samples().stream().filter(sample -> sample.role() == role).toList();
  }

  private static List<Sample> unmasked(Group group, SampleRole role) {
    return of(group, role).stream().filter(sample -> sample.maskedTokens() > 0).toList();
  }

  private static double reward(Sample sample) {
    return sample.number(PerSequenceName.REWARD);
  }

  private Batch withAdvantages(Batch batch, RunningMoments earlier) {
    AdvantageKind kind = recipe.advantage();
    return switch (kind) {
      case NONE -> batch;
      case GRPO -> byGroup(batch, rewards -> GroupAdvantages.standardized(rewards, EPSILON));
      case RLOO -> byGroup(batch, GroupAdvantages::leaveOneOut);
      case CENTRED -> byGroup(batch, GroupAdvantages::centred);
      case RETURN -> toGo(batch);
      case RUNNING_MEAN ->
          BatchAdvantages.lessBaseline(
              toGo(batch)
                  .map(each -> each.with(PerSequenceName.BASELINE, runningMean(batch, earlier))));
      case GREEDY -> BatchAdvantages.lessBaseline(toGo(batch));
      case BATCH_WHITENED -> BatchAdvantages.whitened(toGo(batch), WHITENING_EPSILON);
      case GAE -> {
        Batch estimated = batch.map(this::generalised);
        yield recipe.knobs().get(Knob.WHITEN) > 0
            ? BatchAdvantages.whitened(estimated, WHITENING_EPSILON)
            : estimated;
      }
    };
  }

  private Batch byGroup(Batch batch, UnaryOperator<double[]> estimator) {
    List<Group> groups =
        batch.groups().stream()
            .map(group -> group.withAdvantages(estimator.apply(returns(Batch.of(group)))))
            .toList();
    return new Batch(groups);
  }

  /** Of the iterations before; of the first one its own. */
  private static double runningMean(Batch batch, RunningMoments earlier) {
    return earlier.count() > 0
        ? earlier.mean()
        : Arrays.stream(returns(batch)).average().orElseThrow();
  }

  private Batch toGo(Batch batch) {
    return BatchAdvantages.returns(batch, recipe.knobs().get(Knob.DISCOUNT));
  }

  /**
   * The value after the last token is 0, also where a completion was cut off: what was judged is
   * all of it, and its reward is paid at that token.
   */
  private Sample generalised(Sample sample) {
    Numbers values = sample.numbers(PerTokenName.BEHAVIOUR_VALUE);
    TokenEstimates estimates =
        TokenAdvantages.generalised(
            sample.numbers(PerTokenName.REWARD).toArray(),
            values.toArray(),
            recipe.knobs().get(Knob.DISCOUNT),
            recipe.knobs().get(Knob.TRACE_DECAY),
            0);
    return sample
        .with(PerTokenName.ADVANTAGE, estimates.advantages().toArray())
        .with(PerTokenName.RETURN, estimates.returns().toArray());
  }
}
