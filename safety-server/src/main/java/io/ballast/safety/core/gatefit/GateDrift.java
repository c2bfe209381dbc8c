package io.ballast.safety.core.gatefit;

import io.ballast.rl.gate.CalibrationDrift;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.IsoFields;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Whether what gates said of acceptance still comes true, by tenant and week.
 *
 * <p>What counts is the probability that a decision rests on: stage 2's, or stage 1's where that
 * alone decided. Of those, what was shown and answered.
 *
 * @param cells by tenant, then by week
 * @param alpha the probability of any alarm while nothing has changed, at most; shared by the cells
 */
public record GateDrift(List<Cell> cells, double alpha) {
  /** Copies the list. */
  public GateDrift {
    cells = List.copyOf(cells);
  }

  /**
   * A week of a tenant.
   *
   * @param tenant whose
   * @param week by ISO 8601 in UTC, such as {@code 2026-W07}
   * @param drift what came true
   * @param alarm whether calibrated probabilities would hardly have come out so
   */
  public record Cell(String tenant, String week, CalibrationDrift drift, boolean alarm) {}

  /** Whether any cell alarms. */
  public boolean alarms() {
    return cells.stream().anyMatch(Cell::alarm);
  }

  /**
   * Measures a log.
   *
   * @param alpha above 0, below 1
   */
  public static GateDrift of(List<LoggedSuggestion> log, double alpha) {
    Map<String, Map<String, List<LoggedSuggestion>>> byCell = new TreeMap<>();
    int count = 0;
    for (LoggedSuggestion each : log) {
      if (each.isExample() && said(each).isPresent()) {
        Map<String, List<LoggedSuggestion>> weeks =
            byCell.computeIfAbsent(each.tenant(), tenant -> new TreeMap<>());
        List<LoggedSuggestion> cell = weeks.computeIfAbsent(week(each), week -> new ArrayList<>());
        count += cell.isEmpty() ? 1 : 0;
        cell.add(each);
      }
    }
    double share = alpha / Math.max(1, count);
    List<Cell> cells = new ArrayList<>();
    byCell.forEach(
        (tenant, weeks) ->
            weeks.forEach(
                (week, rows) -> {
                  CalibrationDrift drift = drift(rows);
                  cells.add(new Cell(tenant, week, drift, drift.drifted(share)));
                }));
    return new GateDrift(cells, alpha);
  }

  private static CalibrationDrift drift(List<LoggedSuggestion> rows) {
    double[] probabilities = new double[rows.size()];
    boolean[] kept = new boolean[rows.size()];
    for (int i = 0; i < kept.length; i++) {
      probabilities[i] = said(rows.get(i)).orElseThrow();
      kept[i] = rows.get(i).kept().orElseThrow();
    }
    return CalibrationDrift.of(probabilities, kept);
  }

  private static OptionalDouble said(LoggedSuggestion logged) {
    return logged.said().stageTwo().isPresent()
        ? logged.said().stageTwo()
        : logged.said().stageOne();
  }

  private static String week(LoggedSuggestion logged) {
    LocalDate day = LocalDate.ofInstant(logged.decided(), ZoneOffset.UTC);
    return "%d-W%02d"
        .formatted(day.get(IsoFields.WEEK_BASED_YEAR), day.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
  }
}
