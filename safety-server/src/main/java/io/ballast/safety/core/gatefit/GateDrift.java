package io.ballast.safety.core.gatefit;

import io.ballast.rl.gate.CalibrationDrift;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.IsoFields;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Whether what gates said of acceptance still comes true, by tenant and week.
 *
 * <p>What counts is the probability that a decision rests on: stage 2's, or stage 1's where that
 * alone decided. Of those, what was shown and answered. Users are taken as independent, the
 * outcomes of one are not.
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
   * @param tooFewUsers whether so few users could not alarm, whatever they did
   */
  public record Cell(
      String tenant, String week, CalibrationDrift drift, boolean alarm, boolean tooFewUsers) {}

  /**
   * What a decision says of drift.
   *
   * @param tenant whose
   * @param week when, as in {@link Cell}
   * @param person whose decisions are alike
   * @param said the probability that it rests on
   * @param kept whether the user took it or a part of it
   */
  public record Row(String tenant, String week, String person, double said, boolean kept) {
    /** Returns what a decision says; empty: nothing, for it was not shown, answered or gated. */
    public static Optional<Row> of(LoggedSuggestion logged) {
      OptionalDouble said = GateDrift.said(logged);
      return logged.isExample() && said.isPresent()
          ? Optional.of(
              new Row(
                  logged.tenant(),
                  GateDrift.week(logged),
                  logged.person(),
                  said.getAsDouble(),
                  logged.kept().orElseThrow()))
          : Optional.empty();
    }
  }

  /** Whether any cell alarms. */
  public boolean alarms() {
    return cells.stream().anyMatch(Cell::alarm);
  }

  /**
   * Measures a log, whatever its order.
   *
   * @param alpha above 0, below 1
   */
  public static GateDrift of(List<LoggedSuggestion> log, double alpha) {
    return ofRows(
        log.stream()
            .sorted(Comparator.comparing(LoggedSuggestion::decided))
            .flatMap(each -> Row.of(each).stream())
            .toList(),
        alpha);
  }

  /** The same of what decisions say, those of each user the oldest first. */
  static GateDrift ofRows(List<Row> rows, double alpha) {
    Map<String, Map<String, List<Row>>> byCell = new TreeMap<>();
    int count = 0;
    for (Row each : rows) {
      Map<String, List<Row>> weeks =
          byCell.computeIfAbsent(each.tenant(), tenant -> new TreeMap<>());
      List<Row> cell = weeks.computeIfAbsent(each.week(), week -> new ArrayList<>());
      count += cell.isEmpty() ? 1 : 0;
      cell.add(each);
    }
    double share = alpha / Math.max(1, count);
    List<Cell> cells = new ArrayList<>();
    byCell.forEach(
        (tenant, weeks) ->
            weeks.forEach(
                (week, cell) -> {
                  CalibrationDrift drift = drift(cell);
                  cells.add(
                      new Cell(
                          tenant, week, drift, drift.drifted(share), drift.tooFewUsers(share)));
                }));
    return new GateDrift(cells, alpha);
  }

  private static CalibrationDrift drift(List<Row> rows) {
    double[] probabilities = new double[rows.size()];
    boolean[] kept = new boolean[rows.size()];
    for (int i = 0; i < kept.length; i++) {
      probabilities[i] = rows.get(i).said();
      kept[i] = rows.get(i).kept();
    }
    return CalibrationDrift.of(probabilities, kept, rows.stream().map(Row::person).toList());
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
