package io.ballast.reward.core;

import io.ballast.rl.aggregation.AggregationMethod;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How the server judges when a request does not say, and what a request may say.
 *
 * @param defaultModel the ensemble that is meant when a request names none
 * @param servingVersion where the alias "serving" of the default ensemble points; of another
 *     ensemble it is the newest version
 * @param method the aggregation
 * @param uwoLambda the weight of the variance in both forms of UWO, ≥ 0
 * @param quantile of LOWER_QUANTILE, above 0, at most 0.5
 * @param allowed the aggregations that a request may ask for, {@code method} among them
 * @param quorum the least number of members that must answer; 0: all
 * @param worstCaseNeedsAll whether WCO and the lower quantile need every member: the worst of the
 *     rest may be far better than the one that is missing
 * @param ensembles the rules of ensembles that have their own, by name
 * @param modelTimeout how long an item may wait for its scores
 * @param deadlineReserve how long before the caller's deadline the answer is given, whatever is
 *     there
 */
public record RewardSettings(
    String defaultModel,
    String servingVersion,
    AggregationMethod method,
    double uwoLambda,
    double quantile,
    List<AggregationMethod> allowed,
    int quorum,
    boolean worstCaseNeedsAll,
    Map<String, QuorumRule> ensembles,
    Duration modelTimeout,
    Duration deadlineReserve) {
  private static final QuorumRule NONE = new QuorumRule(OptionalInt.empty(), Optional.empty());

  public RewardSettings {
    allowed = List.copyOf(allowed);
    ensembles = Map.copyOf(ensembles);
  }

  /**
   * The ensembles that have rules of their own and are none of {@code known}, sorted: a name is
   * misspelt, or the ensemble has not come yet.
   */
  public List<String> rulesOfNobody(Collection<String> known) {
    return ensembles.keySet().stream().filter(name -> !known.contains(name)).sorted().toList();
  }

  /** How many members of {@code ensemble} must answer for a value by {@code method}. */
  Quorum quorum(Ensemble ensemble, AggregationMethod method) {
    QuorumRule own = ensembles.getOrDefault(ensemble.id().model(), NONE);
    int count = ensemble.members().size();
    int asked = own.quorum().orElse(quorum);
    int usual = asked == 0 ? count : Math.min(asked, count);
    return usual < count
            && method.leansOnTheWorst()
            && own.worstCaseNeedsAll().orElse(worstCaseNeedsAll)
        ? new Quorum(count, true)
        : new Quorum(usual, false);
  }
}
