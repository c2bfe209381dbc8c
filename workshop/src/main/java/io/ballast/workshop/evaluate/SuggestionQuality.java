package io.ballast.workshop.evaluate;

import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.ParseCheck.Trial;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.util.List;

/**
 * What suggestions are worth, by the true files.
 *
 * @param exact share accepted as they are
 * @param rightBeginning share of which anything was kept
 * @param charactersSaved mean over all suggestions, accepted ones only
 * @param charactersKept mean over all suggestions, right beginnings included
 * @param parseBreaking share after which the file no longer parses
 */
public record SuggestionQuality(
    Estimate exact,
    Estimate rightBeginning,
    Estimate charactersSaved,
    Estimate charactersKept,
    Estimate parseBreaking) {

  /**
   * Judges {@code suggestions}, shape [positions][samples ≥ 1]; samples of one position are
   * averaged first.
   */
  public static SuggestionQuality measure(
      List<Position> positions, List<List<String>> suggestions, ParseCheck parseCheck) {
    int n = positions.size();
    double[][] sums = new double[5][n];
    for (int i = 0; i < n; i++) {
      Position position = positions.get(i);
      List<String> offered = suggestions.get(i);
      double share = 1.0 / offered.size();
      sums[4][i] =
          share
              * parseCheck
                  .breaks(offered.stream().map(text -> new Trial(position, text)).toList())
                  .cardinality();
      for (String suggestion : offered) {
        Judgement judgement = SimulatedProgrammer.judge(position, suggestion);
        sums[0][i] += judgement.outcome() == Outcome.ACCEPTED ? share : 0;
        sums[1][i] += judgement.outcome() == Outcome.REJECTED ? 0 : share;
        sums[2][i] += share * judgement.charactersSaved();
        sums[3][i] += share * judgement.charactersKept();
      }
    }
    return new SuggestionQuality(
        Estimate.of(sums[0]),
        Estimate.of(sums[1]),
        Estimate.of(sums[2]),
        Estimate.of(sums[3]),
        Estimate.of(sums[4]));
  }
}
