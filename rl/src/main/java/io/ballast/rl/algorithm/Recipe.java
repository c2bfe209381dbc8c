package io.ballast.rl.algorithm;

import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.ValueLoss;
import io.ballast.rl.objective.WeightedSum;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An algorithm as data: one part of each stage, with their numbers. {@link #flaws} says what does
 * not go together; {@link RecipeSteps} does what stands between judging and the loss.
 *
 * @param source who writes the completions
 * @param shaping what becomes of rewards, in the order of the enum
 * @param rewardKl the KL to the reference in the reward of each token
 * @param selector which completions are learned from
 * @param advantage by whose expectation
 * @param loss the objective and what regularises it
 * @param klTarget what the coefficient of the KL, in the reward or in the loss, is moved to; null:
 *     it stays
 * @param knobs of all parts but the loss's, which has its own; what is not given has its default
 */
public record Recipe(
    SourceKind source,
    Set<ShapingKind> shaping,
    RewardKl rewardKl,
    SelectorKind selector,
    AdvantageKind advantage,
    LossSpec loss,
    @Nullable KlTarget klTarget,
    Knobs knobs) {
  /** Copies the set; keeps the knobs that the parts read and fills in the others. */
  public Recipe {
    EnumSet<ShapingKind> ordered = EnumSet.noneOf(ShapingKind.class);
    ordered.addAll(shaping);
    shaping = Collections.unmodifiableSet(ordered);
    Knobs read = selector.facts().knobs().over(advantage.facts().knobs());
    for (Part part : shaping) {
      read = part.facts().knobs().over(read);
    }
    knobs = knobs.only(read.values().keySet()).over(read);
  }

  /** The policy's own completions, all of them, their rewards as they are. */
  public static Recipe of(AdvantageKind advantage, LossSpec loss) {
    return new Recipe(
        SourceKind.POLICY,
        Set.of(),
        RewardKl.none(),
        SelectorKind.ALL,
        advantage,
        loss,
        null,
        Knobs.none());
  }

  /** Returns a copy with another source. */
  public Recipe withSource(SourceKind value) {
    return new Recipe(value, shaping, rewardKl, selector, advantage, loss, klTarget, knobs);
  }

  /** Returns a copy that shapes rewards. */
  public Recipe withShaping(Set<ShapingKind> value) {
    return new Recipe(source, value, rewardKl, selector, advantage, loss, klTarget, knobs);
  }

  /** Returns a copy with the KL of each token, k1, in its reward. */
  public Recipe withRewardKl(double coefficient) {
    return withRewardKl(new RewardKl(coefficient, KlEstimator.K1));
  }

  /** Returns a copy with the KL of each token in its reward. */
  public Recipe withRewardKl(RewardKl value) {
    return new Recipe(source, shaping, value, selector, advantage, loss, klTarget, knobs);
  }

  /** Returns a copy with another selector. */
  public Recipe withSelector(SelectorKind value) {
    return new Recipe(source, shaping, rewardKl, value, advantage, loss, klTarget, knobs);
  }

  /** Returns a copy with another advantage. */
  public Recipe withAdvantage(AdvantageKind value) {
    return new Recipe(source, shaping, rewardKl, selector, value, loss, klTarget, knobs);
  }

  /** Returns a copy with a changed loss. */
  public Recipe withLoss(UnaryOperator<LossSpec> change) {
    return new Recipe(
        source, shaping, rewardKl, selector, advantage, change.apply(loss), klTarget, knobs);
  }

  /** Returns a copy whose coefficient of the KL is moved to a target; null: it stays. */
  public Recipe withKlTarget(@Nullable KlTarget value) {
    return new Recipe(source, shaping, rewardKl, selector, advantage, loss, value, knobs);
  }

  /** Returns a copy with other numbers. */
  public Recipe withKnobs(Knobs value) {
    return new Recipe(source, shaping, rewardKl, selector, advantage, loss, klTarget, value);
  }

  /** β of the KL to the reference, in the reward or in the loss; 0: none. */
  public double klCoefficient() {
    return Math.max(rewardKl.coefficient(), loss.klCoefficient());
  }

  /** The recipe of an iteration that begins with {@code state}. */
  public Recipe at(RecipeState state) {
    if (klTarget == null || state.klCoefficient().isEmpty()) {
      return this;
    }
    double coefficient = state.klCoefficient().getAsDouble();
    return rewardKl.coefficient() > 0
        ? withRewardKl(new RewardKl(coefficient, rewardKl.estimator()))
        : withLoss(each -> each.withKl(coefficient, each.klEstimator()));
  }

  /**
   * What the next iteration begins with, where the KL's coefficient is moved to a target.
   *
   * @param next what it would begin with otherwise
   * @param klNats mean KL(π ‖ π_ref) of a completion
   * @param completions that it is the mean of
   */
  public RecipeState steered(RecipeState next, double klNats, int completions) {
    return klTarget == null
        ? next
        : next.withKlCoefficient(klTarget.next(klCoefficient(), klNats, completions));
  }

  /** The loss, and the critic's beside it if there is one. */
  public Objective objective() {
    return advantage.critic()
        ? loss.objective().plus(knobs.get(Knob.VALUE_COEFFICIENT), valueLoss())
        : loss.objective();
  }

  /** Whether {@code iteration}, which counts from 1, trains the critic alone. */
  public boolean warmsUp(int iteration) {
    return iteration <= criticWarmup();
  }

  /** How many iterations, from the first on, train the critic alone; 0 without one. */
  public int criticWarmup() {
    return advantage.critic() ? (int) knobs.get(Knob.CRITIC_WARMUP) : 0;
  }

  /**
   * The critic's loss alone, weighed as in {@link #objective}: so the optimiser's moments of its
   * weights are in one unit before and after the policy begins to move.
   */
  public Objective criticObjective() {
    return new WeightedSum(
        List.of(new WeightedSum.Term(knobs.get(Knob.VALUE_COEFFICIENT), valueLoss())));
  }

  private ValueLoss valueLoss() {
    double clip = knobs.get(Knob.VALUE_CLIP);
    return new ValueLoss(
        clip == 0 ? Double.POSITIVE_INFINITY : clip, loss.aggregation(), ValueLoss.Critic.REWARD);
  }

  /** All parts in the order of the stages. */
  public List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    parts.add(source);
    parts.addAll(shaping);
    parts.add(selector);
    parts.add(advantage);
    parts.add(loss.kind());
    return List.copyOf(parts);
  }

  /** Whether what is learned from may be less than what was judged, or something beside it. */
  public boolean leavesOut() {
    return selector != SelectorKind.ALL || source != SourceKind.POLICY;
  }

  /**
   * Whether anything reads rewards: where completions come with a label, {@link #flaws} refuses
   * what would.
   */
  public boolean readsRewards() {
    return !source.facts().gives().contains(Need.LABELS);
  }

  /**
   * Whether the rewards of a group alone say if it has a signal. With a history of rewards they do
   * not: what it is clipped to is known once all of an iteration is judged.
   */
  public boolean selectsByGroup() {
    return selector == SelectorKind.DYNAMIC_SAMPLING && !shaping.contains(ShapingKind.HISTORY);
  }

  /** How often an iteration samples at most, until as many groups as prompts have a signal. */
  public int maxRounds() {
    return selector == SelectorKind.DYNAMIC_SAMPLING ? (int) knobs.get(Knob.MAX_ROUNDS) : 1;
  }

  /** A part that does not go with the rest, and why. */
  public record Flaw(Part part, String reason) {}

  /** What does not go together; empty: the algorithm can run. */
  public List<Flaw> flaws() {
    List<Flaw> flaws = new ArrayList<>();
    Set<Need> given = EnumSet.noneOf(Need.class);
    for (Part part : parts()) {
      for (Need need : part.facts().needs()) {
        if (!given.contains(need)) {
          flaws.add(new Flaw(part, missing(need)));
        }
      }
      given.addAll(part.facts().gives());
    }
    unread(flaws);
    return List.copyOf(flaws);
  }

  /** A part that gives what nothing reads is a mistake: it would do nothing. */
  private void unread(List<Flaw> flaws) {
    boolean comparesItself =
        !loss.kind().facts().needs().contains(Need.ADVANTAGES)
            && !loss.kind().facts().needs().contains(Need.ONE_ADVANTAGE);
    if (comparesItself && advantage != AdvantageKind.NONE) {
      flaws.add(new Flaw(advantage, "the loss compares completions and reads no advantages: NONE"));
    }
    if (loss.kind().facts().needs().isEmpty()) {
      flaws.add(
          new Flaw(
              loss.kind(),
              "it reads neither advantages nor roles, and would learn from all that was written"));
    }
    for (Need role : List.of(Need.PAIRS, Need.RATINGS)) {
      if (selector.facts().gives().contains(role) && !loss.kind().facts().needs().contains(role)) {
        flaws.add(new Flaw(selector, "the loss reads no " + role.words()));
      }
    }
    if (source.facts().gives().contains(Need.GREEDY_REWARD)
        && !advantage.facts().needs().contains(Need.GREEDY_REWARD)) {
      flaws.add(new Flaw(source, "the advantage reads no greedy reward"));
    }
    if (source.facts().gives().contains(Need.REFERENCE_COMPLETIONS)
        && !selector.facts().needs().contains(Need.REFERENCE_COMPLETIONS)) {
      flaws.add(
          new Flaw(source, "the selector would take what the reference wrote for the policy's"));
    }
    if (source.facts().gives().contains(Need.LABELS)) {
      readsNoRewards(flaws);
    }
    if (criticWarmup() > 0 && knobs.get(Knob.VALUE_COEFFICIENT) == 0) {
      flaws.add(
          new Flaw(
              advantage,
              "critic_warmup trains the critic alone, and with value_coefficient 0 nothing trains it"));
    }
    if (maxRounds() > 1 && !selectsByGroup()) {
      flaws.add(
          new Flaw(
              selector,
              "beside shaping HISTORY nobody knows whether a group has a signal before all of an iteration is judged: max_rounds 1, or no HISTORY"));
    }
    if (loss.kind().preference() && rewardKl.coefficient() > 0) {
      flaws.add(
          new Flaw(
              loss.kind(),
              "a KL in the reward would only reorder pairs: its own β holds it to the reference"));
    }
  }

  /** What people labelled was not sampled by the policy, and nothing rewarded it. */
  private void readsNoRewards(List<Flaw> flaws) {
    if (!selector.facts().needs().contains(Need.LABELS)) {
      flaws.add(
          new Flaw(
              source,
              "the selector would take what is in the data for what the policy in training wrote"));
    }
    for (ShapingKind each : shaping) {
      flaws.add(new Flaw(each, "labels of data are made of no rewards"));
    }
    if (loss.klCoefficient() > 0) {
      flaws.add(
          new Flaw(
              source, "a KL in the loss is of what the policy writes: with data it must be 0"));
    }
  }

  private static String missing(Need need) {
    List<String> givers = new ArrayList<>();
    for (List<? extends Part> stage :
        List.of(
            List.of(SourceKind.values()),
            List.of(SelectorKind.values()),
            List.of(AdvantageKind.values()))) {
      stage.stream()
          .filter(part -> part.facts().gives().contains(need))
          .map(part -> part.stage().name().toLowerCase(java.util.Locale.ROOT) + " " + part.name())
          .forEach(givers::add);
    }
    return "it needs %s, which %s"
        .formatted(need.words(), "would be given by " + String.join(" or ", givers));
  }
}
