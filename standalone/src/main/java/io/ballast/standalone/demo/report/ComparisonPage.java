package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.Frame;
import io.ballast.loadtest.chart.HtmlPage;
import io.ballast.loadtest.chart.Markup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs side by side, for a person: one page with tables and plots that needs no network.
 *
 * @param keys what stands for each run in the plots
 * @param sections from top to bottom
 */
public record ComparisonPage(List<Key> keys, List<Section> sections) {
  private static final double KEY_WIDTH = 32;
  private static final double KEY_HEIGHT = 12;

  /** Copies the lists. */
  public ComparisonPage {
    keys = List.copyOf(keys);
    sections = List.copyOf(sections);
  }

  /**
   * A run in the plots.
   *
   * @param line how it is drawn, with its letter
   * @param text which run it is
   */
  public record Key(Frame.Key line, String text) {}

  /** A part of the page, below a heading. */
  public sealed interface Section {
    /** What it is about. */
    String heading();
  }

  /** Plots side by side. */
  public record Plots(String heading, List<Markup> charts) implements Section {
    /** Copies the list. */
    public Plots {
      charts = List.copyOf(charts);
    }
  }

  /**
   * A table.
   *
   * @param note below the heading; may be empty
   * @param head the columns; none: only the note is shown
   * @param rows shape [rows][columns]
   * @param texts whether its cells are texts, which may run over lines; numbers may not
   */
  public record Table(
      String heading, String note, List<String> head, List<List<String>> rows, boolean texts)
      implements Section {
    /** Copies the lists. */
    public Table {
      head = List.copyOf(head);
      rows = rows.stream().map(List::copyOf).toList();
    }
  }

  /** Writes the page. */
  public void write(Path file) throws IOException {
    Files.writeString(file, html(), StandardCharsets.UTF_8);
  }

  /** Returns the page. */
  String html() {
    Markup page = HtmlPage.begin("Runs compared");
    page.element("h1", "Runs compared");
    page.open("ul", "class", "key");
    for (Key key : keys) {
      page.open("li").open("svg", "width", Markup.at(KEY_WIDTH), "height", Markup.at(KEY_HEIGHT));
      key.line().draw(page, 4, KEY_HEIGHT / 2);
      page.close("svg").element("b", key.line().name()).text(" " + key.text()).close("li");
    }
    page.close("ul");
    for (Section section : sections) {
      page.element("h2", section.heading());
      switch (section) {
        case Plots plots -> draw(page, plots);
        case Table table -> write(page, table);
      }
    }
    return HtmlPage.end(page);
  }

  private static void draw(Markup page, Plots plots) {
    page.open("div", "class", "plots");
    plots.charts().forEach(page::add);
    page.close("div");
  }

  private static void write(Markup page, Table table) {
    if (!table.note().isEmpty()) {
      page.element("p", table.note(), "class", "note");
    }
    if (table.head().isEmpty()) {
      return;
    }
    page.open("div", "class", table.texts() ? "wide texts" : "wide").open("table");
    row(page, "th", table.head());
    table.rows().forEach(row -> row(page, "td", row));
    page.close("table").close("div");
  }

  private static void row(Markup page, String cell, List<String> texts) {
    page.open("tr");
    texts.forEach(text -> page.element(cell, text));
    page.close("tr");
  }
}
