package io.ballast.standalone.experiment.safety;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Series;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.Interval;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentReport.Chart;
import io.ballast.standalone.experiment.ExperimentReport.Section;
import io.ballast.standalone.experiment.Rule;
import io.ballast.standalone.experiment.safety.SelectionToy.Cell;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToIntFunction;

/** Collects what was measured as claims, tables and charts, in the order in which it is added. */
final class SafetyReport {
  private static final String PAPER = "HC-RLHF, arXiv:2506.08266";

  private final List<Claim> claims = new ArrayList<>();
  private final List<Section> sections = new ArrayList<>();
  private final List<Chart> charts = new ArrayList<>();

  /** What another implementation of the toy found, with numpy, 2,000 trials a cell, one seed. */
  private record Reference(
      SelectionToy.Rule rule,
      int selectionSize,
      int testSize,
      double unsafeChosen,
      double unsafeReturned,
      double noSolution,
      double reward) {
    boolean isOf(Cell cell) {
      return cell.rule() == rule
          && cell.selectionSize() == selectionSize
          && cell.testSize() == testSize;
    }
  }

  private static final List<Reference> REFERENCES =
      List.of(
          new Reference(SelectionToy.Rule.NAIVE, 50, 100, .642, .0165, .852, .537),
          new Reference(SelectionToy.Rule.SELDONIAN, 50, 100, .058, .0025, .328, .363),
          new Reference(SelectionToy.Rule.HC_RLHF, 50, 100, .027, .0020, .206, .317),
          new Reference(SelectionToy.Rule.NAIVE, 200, 100, .358, .0170, .773, .559),
          new Reference(SelectionToy.Rule.HC_RLHF, 200, 100, .000, .0000, .175, .370),
          new Reference(SelectionToy.Rule.SELDONIAN, 50, 400, .268, .0040, .451, .464),
          new Reference(SelectionToy.Rule.HC_RLHF, 50, 400, .071, .0015, .165, .383),
          new Reference(SelectionToy.Rule.HC_RLHF, 800, 400, .000, .0000, .098, .472));

  /** Returns what was collected. */
  ExperimentReport report() {
    return new ExperimentReport(claims, sections, charts);
  }

  /** Adds the toy: all cells. */
  void toy(List<Cell> cells) {
    Cell worst = cells.stream().max(Comparator.comparingInt(Cell::unsafeReturned)).orElseThrow();
    claims.add(
        Claim.of(
            ("toy: of all %d cells the one that returned unsafe policies most often did so with a"
                    + " probability of at most δ (share of trials)")
                .formatted(cells.size()),
            PAPER + ", the guarantee",
            Rates.of(worst.unsafeReturned(), worst.trials()),
            Rule.below(SelectionToy.DELTA)));
    for (int selectionSize : List.of(50, 200)) {
      Cell naive = cell(cells, SelectionToy.Rule.NAIVE, selectionSize, 100);
      claims.add(
          Claim.of(
              "toy, n_c = %d: a policy chosen by its mean cost alone and never tested is unsafe far more often than δ (share of trials)"
                  .formatted(selectionSize),
              PAPER + ", the guarantee",
              Rates.of(naive.unsafeChosen(), naive.trials()),
              Rule.above(SelectionToy.DELTA)));
    }
    for (int selectionSize : List.of(50, 200, 800)) {
      claims.add(
          difference(
              "toy, HC-RLHF, n_c = %d: No Solution Found is rarer with n_s = 400 than with 50 (difference of shares)"
                  .formatted(selectionSize),
              cell(cells, SelectionToy.Rule.HC_RLHF, selectionSize, 400),
              cell(cells, SelectionToy.Rule.HC_RLHF, selectionSize, 50)));
      claims.add(
          difference(
              "toy, n_c = %d, n_s = 100: No Solution Found is rarer by HC-RLHF's bound than by the mean (difference of shares)"
                  .formatted(selectionSize),
              cell(cells, SelectionToy.Rule.HC_RLHF, selectionSize, 100),
              cell(cells, SelectionToy.Rule.NAIVE, selectionSize, 100)));
    }
    claims.add(
        difference(
            "toy, n_c = 50, n_s = 400: No Solution Found is rarer by HC-RLHF's two terms than by twice the test's width (difference of shares)",
            cell(cells, SelectionToy.Rule.HC_RLHF, 50, 400),
            cell(cells, SelectionToy.Rule.SELDONIAN, 50, 400)));
    claims.add(
        difference(
            "toy, n_c = 800, n_s = 50: the one term is better where selection saw plenty (difference of shares of No Solution Found)",
            cell(cells, SelectionToy.Rule.SELDONIAN, 800, 50),
            cell(cells, SelectionToy.Rule.HC_RLHF, 800, 50)));
    sections.add(
        new Section(
            "Selection under three rules",
            String.format(
                Locale.ROOT,
                "%,d trials a cell (`SelectionToy`). In brackets what another implementation found,"
                    + " with numpy and one seed, where it was noted.%n%n%s",
                cells.getFirst().trials(),
                table(cells))));
    charts.add(chart(cells));
  }

  private static Claim difference(String claim, Cell less, Cell more) {
    return Claim.of(
        claim,
        PAPER + ", candidate selection",
        Rates.difference(less.noSolution(), less.trials(), more.noSolution(), more.trials()),
        Rule.below(0));
  }

  private static Cell cell(
      List<Cell> cells, SelectionToy.Rule rule, int selectionSize, int testSize) {
    return cells.stream()
        .filter(
            cell ->
                cell.rule() == rule
                    && cell.selectionSize() == selectionSize
                    && cell.testSize() == testSize)
        .findFirst()
        .orElseThrow();
  }

  private static String table(List<Cell> cells) {
    StringBuilder text =
        new StringBuilder(
            "| n_c | n_s | Selection by | Unsafe if never tested | Returned and unsafe | No Solution"
                + " Found | Mean reward returned |\n|---|---|---|---|---|---|---|\n");
    for (Cell cell : cells) {
      Optional<Reference> other = REFERENCES.stream().filter(each -> each.isOf(cell)).findFirst();
      text.append(
          String.format(
              Locale.ROOT,
              "| %d | %d | %s | %s | %s | %s | %s |%n",
              cell.selectionSize(),
              cell.testSize(),
              label(cell.rule()),
              beside(share(cell, Cell::unsafeChosen), other.map(Reference::unsafeChosen)),
              beside(share(cell, Cell::unsafeReturned), other.map(Reference::unsafeReturned)),
              beside(share(cell, Cell::noSolution), other.map(Reference::noSolution)),
              beside(cell.reward(), other.map(Reference::reward))));
    }
    return text.toString();
  }

  private static double share(Cell cell, ToIntFunction<Cell> count) {
    return (double) count.applyAsInt(cell) / cell.trials();
  }

  private static String beside(double ours, Optional<Double> theirs) {
    return String.format(Locale.ROOT, "%.4f", ours)
        + theirs.map(number -> String.format(Locale.ROOT, " (%.4f)", number)).orElse("");
  }

  private static String label(SelectionToy.Rule rule) {
    return switch (rule) {
      case NAIVE -> "the mean";
      case SELDONIAN -> "twice the test's width";
      case HC_RLHF -> "HC-RLHF";
    };
  }

  private static Chart chart(List<Cell> cells) {
    List<String> colours = List.of("#e0803a", "#9c6fb0", "#3f8f5f");
    List<Series> lines = new ArrayList<>();
    for (SelectionToy.Rule rule : SelectionToy.Rule.values()) {
      lines.add(
          new Series(
              label(rule),
              colours.get(rule.ordinal()),
              cells.stream()
                  .filter(cell -> cell.rule() == rule && cell.selectionSize() == 50)
                  .map(cell -> new Series.Point(cell.testSize(), share(cell, Cell::noSolution)))
                  .toList()));
    }
    String title = "Toy, n_c = 50: share of No Solution Found";
    return new Chart("no-solution.svg", title, LineChart.of(title, "n_s", lines, null));
  }

  /** Adds tests by the service. */
  void coverage(List<CoverageStudy.Cell> cells) {
    StringBuilder table =
        new StringBuilder(
            "| Costs | n | Bound | Claims to hold | Passed, of %,d | Share |\n|---|---|---|---|---|---|\n"
                .formatted(cells.getFirst().trials()));
    long tests = 0;
    for (CoverageStudy.Cell cell : cells) {
      boolean claimed = cell.shape().claimedBy(cell.method());
      Interval rate = Rates.of(cell.passed(), cell.trials());
      if (claimed) {
        claims.add(
            Claim.of(
                "service, %s: barely unsafe candidates pass under %s with a probability of at most δ (share of tests)"
                    .formatted(cell.shape().label(), PowerCurves.label(cell.method())),
                source(cell.method()),
                rate,
                Rule.notAbove(CoverageStudy.DELTA)));
      } else if (cell.shape().isHardForStudentsT()) {
        claims.add(
            Claim.of(
                "service, %s: Student's t covers too seldom (share of tests that a barely unsafe candidate passes)"
                    .formatted(cell.shape().label()),
                PAPER + ", normal costs assumed",
                rate,
                Rule.above(CoverageStudy.DELTA)));
      }
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %d | %s | %s | %d | %.4f [%.4f, %.4f] |%n",
              cell.shape().label(),
              cell.shape().size(),
              PowerCurves.label(cell.method()),
              claimed ? "yes" : "no",
              cell.passed(),
              rate.estimate(),
              rate.low(),
              rate.high()));
      tests += cell.trials();
    }
    sections.add(
        new Section(
            "Barely unsafe candidates by the service",
            String.format(
                Locale.ROOT,
                "%,d safety tests by a safety-server on its own PostgreSQL, each of a candidate and"
                    + " prompts of its own, with δ = %.1f and a threshold a billionth under the true"
                    + " mean, so that each that passes is a violation. Intervals are Clopper and"
                    + " Pearson's, 99 %% to either side. A bound that passes none is too wide for so"
                    + " few costs, and keeps its promise all the same.%n%n%s",
                tests,
                CoverageStudy.DELTA,
                table)));
  }

  private static String source(BoundMethod method) {
    return switch (method) {
      case STUDENT_T -> PAPER + ", the safety test";
      case HOEFFDING -> "Hoeffding 1963, theorem 2";
      case EMPIRICAL_BERNSTEIN -> "Maurer and Pontil 2009, theorem 4";
      case CLOPPER_PEARSON -> "Clopper and Pearson 1934";
      case BETTING -> "Waudby-Smith and Ramdas 2024, arXiv:2010.09686";
    };
  }

  /** Adds what each bound costs. */
  void power(List<Series> lines) {
    String title = PowerCurves.title();
    charts.add(
        new Chart("power.svg", title, LineChart.of(title, "probability of harm", lines, null)));
    StringBuilder table = new StringBuilder("| Probability of harm |");
    StringBuilder rule = new StringBuilder("|---|");
    for (Series line : lines) {
      table.append(' ').append(line.name()).append(" |");
      rule.append("---|");
    }
    table.append('\n').append(rule).append('\n');
    for (int p = 0; p < lines.getFirst().points().size(); p += 2) {
      table.append(String.format(Locale.ROOT, "| %.2f |", lines.getFirst().points().get(p).x()));
      for (Series line : lines) {
        table.append(String.format(Locale.ROOT, " %.3f |", line.points().get(p).y()));
      }
      table.append('\n');
    }
    sections.add(
        new Section(
            "What a bound costs",
            title + ", costs of 0 and 1, all bounds on the same draws.\n\n" + table));
  }

  /** Adds tests by a whole mesh. */
  void mesh(MeshTrials.Outcome outcome) {
    claims.add(
        Claim.of(
            "mesh: a model whose mean cost is surely over the threshold passes with a probability of at most δ (share of tests)",
            PAPER + ", the guarantee",
            Rates.of(outcome.passed(), outcome.tests()),
            Rule.notAbove(CoverageStudy.DELTA)));
    sections.add(new Section("The model by a whole mesh", outcome.text()));
  }
}
