package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.HtmlPage;
import io.ballast.loadtest.chart.Markup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Plots, what is to be said of them, and their numbers: one page that needs no network.
 *
 * @param title of the window
 * @param heading of the page
 * @param source where the numbers came from
 * @param plots side by side
 * @param notes sentences below the plots
 * @param head the table's columns
 * @param rows shape [rows][columns]
 */
public record PlotPage(
    String title,
    String heading,
    String source,
    List<Markup> plots,
    List<String> notes,
    List<String> head,
    List<List<String>> rows) {
  /** Copies the lists. */
  public PlotPage {
    plots = List.copyOf(plots);
    notes = List.copyOf(notes);
    head = List.copyOf(head);
    rows = rows.stream().map(List::copyOf).toList();
  }

  /** Writes the page. */
  public void write(Path file) throws IOException {
    Files.writeString(file, html(), StandardCharsets.UTF_8);
  }

  /** Returns the page. */
  String html() {
    Markup page = HtmlPage.begin(title);
    page.element("h1", heading);
    page.element("p", source);
    page.open("div", "class", "plots");
    plots.forEach(page::add);
    page.close("div");
    page.open("ul");
    notes.forEach(note -> page.element("li", note));
    page.close("ul");
    page.open("div", "class", "wide").open("table");
    row(page, "th", head);
    rows.forEach(row -> row(page, "td", row));
    page.close("table").close("div");
    return HtmlPage.end(page);
  }

  private static void row(Markup page, String cell, List<String> texts) {
    page.open("tr");
    texts.forEach(text -> page.element(cell, text));
    page.close("tr");
  }
}
