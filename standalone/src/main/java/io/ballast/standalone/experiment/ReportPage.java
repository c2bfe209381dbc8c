package io.ballast.standalone.experiment;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** A report as Markdown, for people. */
final class ReportPage {
  private ReportPage() {}

  static void write(ExperimentReport report, String pictures, Path file) throws IOException {
    Files.writeString(file, of(report, pictures), StandardCharsets.UTF_8);
  }

  /**
   * Returns the page's text.
   *
   * @param pictures where the charts lie, seen from the page; empty: beside it
   */
  static String of(ExperimentReport report, String pictures) {
    StringBuilder text = new StringBuilder();
    text.append("## Claims\n\n");
    text.append("| Claim | Source | Value | Interval | Holds if | Verdict |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (Claim claim : report.claims()) {
      text.append(
          "| %s | %s | %s | %s | %s |%n"
              .formatted(
                  claim.claim(),
                  claim.source(),
                  numbers(claim),
                  claim.rule().words(),
                  claim.holds() ? "**" + claim.verdict().words() + "**" : verdict(claim)));
    }
    for (ExperimentReport.Chart chart : report.charts()) {
      text.append(
          "\n![%s](%s%s)\n"
              .formatted(chart.caption(), pictures.isEmpty() ? "" : pictures + "/", chart.file()));
    }
    for (ExperimentReport.Section section : report.sections()) {
      text.append("\n## ").append(section.heading()).append("\n\n").append(section.text());
      if (!section.text().endsWith("\n")) {
        text.append('\n');
      }
    }
    return text.toString();
  }

  /** Value and interval. */
  private static String numbers(Claim claim) {
    return claim.measured()
        ? String.format(
            Locale.ROOT, "%+.3f | [%+.3f, %+.3f]", claim.value(), claim.low(), claim.high())
        : "– | –";
  }

  private static String verdict(Claim claim) {
    return claim.measured()
        ? claim.verdict().words()
        : claim.verdict().words()
            + ": "
            + claim.missing().replaceAll("\\s+", " ").replace("|", "\\|");
  }
}
