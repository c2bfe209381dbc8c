package io.ballast.safety.core.gate;

import io.ballast.inference.api.PerToken;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a gate is asked with, without the numbers that are not finite or out of their range: those
 * count as missing.
 *
 * @param context the place
 * @param suggestion what would be shown; empty in stage 1
 * @param dropped whether a number was left out
 */
record SoundInputs(GateContext context, Optional<GateSuggestion> suggestion, boolean dropped) {
  private static final float LARGEST_LOG_PROB = 1e-3f; // rounding may leave a little above 0

  static SoundInputs of(GateContext context) {
    boolean sound = context.history().map(GateHistory::isSound).orElse(true);
    return new SoundInputs(
        sound ? context : GateContext.of(context.prompt()), Optional.empty(), !sound);
  }

  static SoundInputs of(GateContext context, GateSuggestion given) {
    SoundInputs place = of(context);
    GateScores scores = given.scores();
    GateScores finite =
        new GateScores(
            within(scores.reward(), Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY),
            within(scores.rewardSpread(), 0, Double.POSITIVE_INFINITY),
            within(scores.harmProbability(), 0, 1));
    boolean logProbs = isSound(given.logProbs());
    GateSuggestion sound =
        new GateSuggestion(
            given.text(), logProbs ? given.logProbs() : PerToken.of(), given.stopReason(), finite);
    return new SoundInputs(
        place.context(),
        Optional.of(sound),
        place.dropped() || !logProbs || !finite.equals(scores));
  }

  private static OptionalDouble within(OptionalDouble number, double least, double most) {
    boolean holds =
        number.isPresent()
            && Float.isFinite((float) number.getAsDouble())
            && number.getAsDouble() >= least
            && number.getAsDouble() <= most;
    return holds ? number : OptionalDouble.empty();
  }

  private static boolean isSound(PerToken logProbs) {
    for (int t = 0; t < logProbs.size(); t++) {
      float value = logProbs.get(t);
      if (!Float.isFinite(value) || value > LARGEST_LOG_PROB) {
        return false;
      }
    }
    return true;
  }
}
