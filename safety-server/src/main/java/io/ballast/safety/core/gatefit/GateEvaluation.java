package io.ballast.safety.core.gatefit;

import io.ballast.rl.bandit.LoggedDecision;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleConsumer;

/**
 * What a gate would have done to the decisions of a log, from what another did with known
 * probabilities. Intervals are by user.
 *
 * <p>What was shown counts 1/propensity; a decision that hid something tells nothing of what would
 * have been, and adds nothing. Of the doubly robust estimate the model is stage 2 of the gate that
 * is judged, and 0 wherever the gate in force would not have generated.
 *
 * @param decisions in the log
 * @param shown of those
 * @param answered of those
 * @param shownShare of all decisions, that would be shown
 * @param keptOfShown of what would be shown and is answered, the share that is kept
 * @param rejectedOfHidden of what would be hidden and is answered, the share that is not kept; too
 *     little is known of it where some of that could never have been shown
 * @param keptOfAll kept suggestions a decision, what nobody answered counting as not kept
 * @param keptOfAllRobust the same, doubly robust
 */
public record GateEvaluation(
    int decisions,
    int shown,
    int answered,
    OffPolicyEstimate shownShare,
    OffPolicyEstimate keptOfShown,
    OffPolicyEstimate rejectedOfHidden,
    OffPolicyEstimate keptOfAll,
    OffPolicyEstimate keptOfAllRobust) {

  /**
   * Judges a gate.
   *
   * @param progress is told which share is done, 0 to 1
   * @throws UnusableLogException if nothing was shown and answered, or if a gate withheld what it
   *     could not have shown, and this one would show it or might
   */
  public static GateEvaluation of(
      CandidateGate gate, List<LoggedSuggestion> log, OffPolicy estimator, DoubleConsumer progress)
      throws UnusableLogException {
    List<LoggedDecision> shows = new ArrayList<>();
    List<LoggedDecision> keeps = new ArrayList<>();
    List<LoggedDecision> keptWhenShown = new ArrayList<>();
    List<LoggedDecision> rejectedWhenHidden = new ArrayList<>();
    int shown = 0;
    int never = 0;
    int neverToBeHidden = 0;
    for (int i = 0; i < log.size(); i++) {
      LoggedSuggestion each = log.get(i);
      CandidateGate.Doing doing = gate.at(each);
      String cluster = each.user().isEmpty() ? each.place() : each.person();
      double show = doing.shows().orElse(0);
      if (each.neverToBeSeen()) {
        never += show > 0 || doing.shows().isEmpty() ? 1 : 0;
        neverToBeHidden += show == 0 && doing.shows().isPresent() ? 1 : 0;
      }
      boolean kept = each.kept().orElse(false);
      double same = each.shown() ? show : doing.shows().isPresent() ? 1 - show : 0;
      double believed = each.said().stageOneWithholds() ? 0 : doing.accept().orElse(0);
      shows.add(LoggedDecision.unmodelled(cluster, each.propensity(), each.shown() ? 1 : 0, same));
      keeps.add(
          new LoggedDecision(
              cluster,
              each.propensity(),
              each.shown() && kept ? 1 : 0,
              same,
              each.shown() ? believed : 0,
              show * believed));
      shown += each.shown() ? 1 : 0;
      if (each.isExample()) {
        keptWhenShown.add(
            LoggedDecision.unmodelled(cluster, each.propensity(), kept ? 1 : 0, show));
        rejectedWhenHidden.add(
            LoggedDecision.unmodelled(cluster, each.propensity(), kept ? 0 : 1, 1 - show));
      }
      progress.accept((i + 1.0) / log.size());
    }
    if (never > 0) {
      throw new UnusableLogException(
          String.format(
              Locale.ROOT,
              "%,d of %,d decisions (%.1f %%) were withheld by a gate that could not have shown"
                  + " them; this one would show them or might, and nobody knows what would have come"
                  + " of them (expected: none, as of a gate that explores or of SHADOW mode)",
              never,
              log.size(),
              100.0 * never / log.size()));
    }
    if (keptWhenShown.isEmpty()) {
      throw new UnusableLogException(
          "%,d decisions, none of them shown and answered (expected: some)".formatted(log.size()));
    }
    return new GateEvaluation(
        log.size(),
        shown,
        keptWhenShown.size(),
        estimator.inversePropensity(shows),
        estimator.selfNormalised(keptWhenShown),
        neverToBeHidden == 0
            ? estimator.selfNormalised(rejectedWhenHidden)
            : new OffPolicyEstimate.TooLittle(0, 0),
        estimator.inversePropensity(keeps),
        estimator.doublyRobust(keeps));
  }
}
