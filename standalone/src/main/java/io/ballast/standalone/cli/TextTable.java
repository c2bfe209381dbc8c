package io.ballast.standalone.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows of text in aligned columns; numbers stand to the right. */
final class TextTable {
  private final List<List<String>> rows = new ArrayList<>();
  private final boolean heading;

  private TextTable(boolean heading) {
    this.heading = heading;
  }

  /** A table with a line of headings. */
  static TextTable headed(String... headings) {
    TextTable table = new TextTable(true);
    table.rows.add(List.of(headings));
    return table;
  }

  /** A table without headings. */
  static TextTable plain() {
    return new TextTable(false);
  }

  /** Adds a row; it may have fewer cells than others. */
  TextTable row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  /** Whether there is nothing but the headings. */
  boolean isEmpty() {
    return rows.size() == (heading ? 1 : 0);
  }

  /** The lines, two spaces between columns, none at the end. */
  List<String> lines() {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    int[] widths = new int[columns];
    boolean[] right = new boolean[columns];
    for (int c = 0; c < columns; c++) {
      boolean numbers = true;
      for (int r = 0; r < rows.size(); r++) {
        if (c >= rows.get(r).size()) {
          continue;
        }
        String cell = rows.get(r).get(c);
        widths[c] = Math.max(widths[c], width(cell));
        if (!(heading && r == 0)) {
          numbers &= isNumber(cell);
        }
      }
      right[c] = numbers && !isEmpty();
    }
    return rows.stream().map(row -> line(row, widths, right)).toList();
  }

  private static String line(List<String> row, int[] widths, boolean[] right) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < row.size(); c++) {
      String padding = " ".repeat(widths[c] - width(row.get(c)));
      line.append(right[c] ? padding + row.get(c) : row.get(c) + padding);
      if (c + 1 < row.size()) {
        line.append("  ");
      }
    }
    return line.toString().stripTrailing();
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }

  private static boolean isNumber(String cell) {
    if (cell.isEmpty() || cell.equals("–")) {
      return true;
    }
    char first = cell.charAt(0);
    return (Character.isDigit(first) || ((first == '-' || first == '+') && cell.length() > 1))
        && cell.chars().allMatch(c -> Character.isDigit(c) || "+-.,%".indexOf(c) >= 0);
  }
}
