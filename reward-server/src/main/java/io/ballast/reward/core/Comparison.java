package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import io.ballast.rl.stats.Logistic;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Which of two completions of one prompt the ensemble prefers, or the composite.
 *
 * @param answer the two items as Score answers them, the first and the second
 * @param probabilityA the mean over the members that judged both of {@code memberProbabilities};
 *     empty as {@code absence} says
 * @param absence why there is no such mean
 * @param memberProbabilities shape [K]: σ((rawᵃ − rawᵇ)/T), the Bradley–Terry probability by which
 *     the member was trained, at the temperature that held-out preferences gave it; empty for one
 *     that did not judge both, and where scores are sums of objectives and no preferences have
 *     given them a temperature
 * @param probabilityByRewards σ(s·(Rᵃ − Rᵇ)) of the aggregated rewards, s being the mean over the
 *     members of std/T: rewards are in units of the stored standard deviations, and this takes a
 *     difference back to log-odds. Empty if one of the two has no value, if the members have no
 *     temperature, or if other members stand behind the one than behind the other, since such
 *     rewards are not comparable. Of a composite s is its preference scale; empty if it has none
 * @param preferringA members whose score of a is higher
 * @param judgedBoth members that judged both
 */
public record Comparison(
    ScoreAnswer answer,
    OptionalDouble probabilityA,
    Optional<Absence> absence,
    List<OptionalDouble> memberProbabilities,
    OptionalDouble probabilityByRewards,
    int preferringA,
    int judgedBoth) {
  /** Why there is no probability. */
  public enum Absence {
    /** One of the two completions has no value. */
    NO_VALUE,
    /** No member judged both; a composite has none. */
    NO_MEMBERS,
    /** The members' scores are sums of objectives, and have no temperature. */
    NO_TEMPERATURE
  }

  private static final MemberOutcome NOT_ASKED =
      new MemberOutcome.Missing(
          new ItemFault(ItemFault.Reason.INVALID_INPUT, "the member was not asked"));

  public Comparison {
    memberProbabilities = List.copyOf(memberProbabilities);
  }

  /** The first item. */
  public ScoredItem a() {
    return answer.items().get(0);
  }

  /** The second item. */
  public ScoredItem b() {
    return answer.items().get(1);
  }

  /** Compares two items that one answer scored. */
  static Comparison of(ScoreAnswer answer) {
    ScoredItem a = answer.items().get(0);
    ScoredItem b = answer.items().get(1);
    List<OptionalDouble> each = new ArrayList<>();
    int both = 0;
    int preferring = 0;
    double sum = 0;
    int probabilities = 0;
    boolean sameMembers = true;
    int members = answer.by() instanceof ScoredBy.Members by ? by.ensemble().members().size() : 0;
    for (int k = 0; k < members; k++) {
      MemberOutcome ofA = outcome(a, k);
      MemberOutcome ofB = outcome(b, k);
      if (ofA instanceof MemberOutcome.Raw rawA && ofB instanceof MemberOutcome.Raw rawB) {
        OptionalDouble inverse = logOddsScale(answer.by(), k);
        both++;
        preferring += rawA.score() > rawB.score() ? 1 : 0;
        if (inverse.isPresent()) {
          double probability =
              Logistic.sigmoid(inverse.getAsDouble() * (rawA.score() - rawB.score()));
          probabilities++;
          sum += probability;
          each.add(OptionalDouble.of(probability));
        } else {
          each.add(OptionalDouble.empty());
        }
      } else {
        each.add(OptionalDouble.empty());
        sameMembers &= !(ofA instanceof MemberOutcome.Raw || ofB instanceof MemberOutcome.Raw);
      }
    }
    boolean known = a.reward() instanceof Reward.Value && b.reward() instanceof Reward.Value;
    Optional<Absence> absence =
        !known
            ? Optional.of(Absence.NO_VALUE)
            : both == 0
                ? Optional.of(Absence.NO_MEMBERS)
                : probabilities > 0 ? Optional.empty() : Optional.of(Absence.NO_TEMPERATURE);
    return new Comparison(
        answer,
        absence.isEmpty() ? OptionalDouble.of(sum / probabilities) : OptionalDouble.empty(),
        absence,
        each,
        sameMembers ? byRewards(answer.by(), a, b) : OptionalDouble.empty(),
        preferring,
        both);
  }

  private static OptionalDouble byRewards(ScoredBy by, ScoredItem a, ScoredItem b) {
    OptionalDouble scale = scale(by);
    return scale.isPresent()
            && a.reward() instanceof Reward.Value ofA
            && b.reward() instanceof Reward.Value ofB
        ? OptionalDouble.of(Logistic.sigmoid(scale.getAsDouble() * (ofA.value() - ofB.value())))
        : OptionalDouble.empty();
  }

  private static OptionalDouble scale(ScoredBy by) {
    return switch (by) {
      case ScoredBy.Composite composite -> composite.preferenceScale();
      case ScoredBy.Members members -> scale(members.ensemble());
    };
  }

  private static OptionalDouble scale(Ensemble ensemble) {
    double[] scales = new double[ensemble.members().size()];
    for (int k = 0; k < scales.length; k++) {
      OptionalDouble inverse = ensemble.logOddsScale(k);
      if (inverse.isEmpty()) {
        return inverse;
      }
      scales[k] = inverse.getAsDouble() * ensemble.members().get(k).scale().std();
    }
    return OptionalDouble.of(Moments.mean(scales));
  }

  private static OptionalDouble logOddsScale(ScoredBy by, int member) {
    return by instanceof ScoredBy.Members members
        ? members.ensemble().logOddsScale(member)
        : OptionalDouble.empty();
  }

  private static MemberOutcome outcome(ScoredItem item, int member) {
    return member < item.members().size() ? item.members().get(member).outcome() : NOT_ASKED;
  }
}
