package io.ballast.standalone.experiment;

import io.ballast.loadtest.chart.Markup;
import java.util.List;

/**
 * What an experiment found.
 *
 * @param claims in the order in which they are shown
 * @param sections tables and what they are of, as Markdown
 * @param charts pictures
 */
public record ExperimentReport(List<Claim> claims, List<Section> sections, List<Chart> charts) {
  /** Copies the lists. */
  public ExperimentReport {
    claims = List.copyOf(claims);
    sections = List.copyOf(sections);
    charts = List.copyOf(charts);
  }

  /**
   * A part of the page.
   *
   * @param heading one line
   * @param text Markdown
   */
  public record Section(String heading, String text) {}

  /**
   * A picture.
   *
   * @param file its name, ending in .svg
   * @param caption what it shows
   * @param svg one svg element
   */
  public record Chart(String file, String caption, Markup svg) {}
}
