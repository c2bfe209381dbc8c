package io.ballast.workshop.gate;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.workshop.programmer.Outcome;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What both stages together would have done to suggestions whose outcome is known. */
final class GateReport {
  private final GateRows table;
  private final int[] rows;

  GateReport(GateRows table, int[] rows) {
    this.table = table;
    this.rows = rows.clone();
  }

  /**
   * Returns the figures, all in [0, 1]: shares of what is withheld, and of outcomes among it.
   *
   * @param rule what is withheld, without exploration
   * @param stageOne p₁, shape [N of the table]
   * @param stageTwo p₂, shape [N of the table]
   */
  Map<String, Double> of(CascadeRule rule, double[] stageOne, double[] stageTwo) {
    double notGenerated = 0;
    double withheld = 0;
    Map<Outcome, Double> all = new HashMap<>();
    Map<Outcome, Double> hidden = new HashMap<>();
    Map<String, double[]> byFile = new HashMap<>();
    for (int row : rows) {
      all.merge(table.outcome(row), 1.0, Double::sum);
      if (rule.hides(new GateExample(stageOne[row], stageTwo[row], table.kept(row)))) {
        notGenerated += rule.stageOne(stageOne[row]) == GateOutcome.WITHHOLD ? 1 : 0;
        withheld++;
        hidden.merge(table.outcome(row), 1.0, Double::sum);
        double[] ofFile =
            byFile.computeIfAbsent(table.file(table.position(row)), file -> new double[2]);
        ofFile[0] += table.kept(row) ? 0 : 1;
        ofFile[1]++;
      }
    }
    double total = rows.length;
    Map<String, Double> figures = new TreeMap<>();
    figures.put("not_generated_share", notGenerated / total);
    figures.put("withheld_share", withheld / total);
    for (Outcome outcome : Outcome.values()) {
      String name = outcome.name().toLowerCase(Locale.ROOT);
      double count = all.getOrDefault(outcome, 0.0);
      double away = hidden.getOrDefault(outcome, 0.0);
      figures.put(name + "_share", count / total);
      if (withheld < total) {
        figures.put(name + "_share_of_shown", (count - away) / (total - withheld));
      }
      if (count > 0) {
        figures.put(name + "_withheld", away / count);
      }
    }
    if (withheld > 0) {
      double rejected = hidden.getOrDefault(Outcome.REJECTED, 0.0) / withheld;
      double squares = 0;
      for (double[] ofFile : byFile.values()) {
        double gap = ofFile[0] - rejected * ofFile[1];
        squares += gap * gap;
      }
      figures.put("rejected_among_withheld", rejected);
      figures.put("rejected_among_withheld_half_width", 1.96 * Math.sqrt(squares) / withheld);
    }
    return figures;
  }
}
