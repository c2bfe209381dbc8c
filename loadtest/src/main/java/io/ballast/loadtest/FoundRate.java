package io.ballast.loadtest;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.chart.HtmlPage;
import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.loadtest.run.RateSearch.Found;
import io.ballast.loadtest.run.RateSearch.Trial;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a search for a rate found, for people and for machines.
 *
 * @param ceiling calls a second that the generator managed against a server that does nothing, the
 *     least of all trials
 */
record FoundRate(String scenario, Found found, double ceiling) {
  private static final String BLUE = "#1565c0";
  private static final String RED = "#b3261e";

  /** Below this share a load was not the one that it was meant to be. */
  private static final double MOSTLY_SENT = 0.99;

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        found
            .highest()
            .map(
                trial ->
                    line(
                        "%s holds its SLOs at %.1f calls/s: %.1f good answers/s, p99 %.1f ms",
                        scenario, trial.rate(), trial.goodput(), trial.p99Millis()))
            .orElseGet(this::none));
    lines.add(line("  generator: manages %,.0f calls/s here", ceiling));
    found.bounded().ifPresent(why -> lines.add("  more was not tried: " + why));
    found
        .saturation()
        .ifPresent(
            trial ->
                lines.add(
                    line(
                        "  saturation: %.1f good answers/s, reached at %.1f calls/s",
                        trial.goodput(), trial.rate())));
    found
        .overload()
        .ifPresent(
            trial ->
                lines.add(
                    line(
                            "  at twice that rate: %.1f good answers/s, %.0f %% of those at"
                                + " saturation",
                            trial.goodput(), 100 * found.overloadShare().orElse(0.0))
                        + (trial.sentShare() < MOSTLY_SENT
                            ? line(
                                "; of its calls %.0f %% were sent, for max_in_flight were under"
                                    + " way",
                                100 * trial.sentShare())
                            : "")));
    return lines;
  }

  /** Why no rate was confirmed. */
  private String none() {
    return found.trials().stream()
        .filter(trial -> trial.valid() && !trial.holds())
        .min(Comparator.comparingDouble(Trial::rate))
        .map(
            trial ->
                line("%s does not hold its SLOs at %.1f calls/s: ", scenario, trial.rate())
                    + String.join("; ", trial.reasons()))
        .orElse("of %s nothing can be said".formatted(scenario));
  }

  private static String line(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }

  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("scenario", scenario);
    json.put("ceiling_per_second", ceiling);
    found
        .highest()
        .ifPresentOrElse(trial -> json.set("highest", json(trial)), () -> json.putNull("highest"));
    found.bounded().ifPresent(why -> json.put("bounded_by", why));
    found.saturation().ifPresent(trial -> json.set("saturation", json(trial)));
    found.overload().ifPresent(trial -> json.set("overload", json(trial)));
    found.overloadShare().ifPresent(share -> json.put("overload_goodput_share", share));
    ArrayNode all = json.putArray("trials");
    found.trials().forEach(trial -> all.add(json(trial)));
    return json;
  }

  private static ObjectNode json(Trial trial) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("rate_per_second", trial.rate());
    json.put("valid", trial.valid());
    json.put("holds", trial.holds());
    json.put("sent_share", trial.sentShare());
    if (trial.valid()) {
      json.put("goodput_per_second", trial.goodput());
      if (Double.isFinite(trial.p99Millis())) {
        json.put("p99_ms", trial.p99Millis());
      }
    }
    ArrayNode reasons = json.putArray("reasons");
    trial.reasons().forEach(reasons::add);
    return json;
  }

  String html() {
    String title = scenario + ": the highest rate that holds";
    Markup page = HtmlPage.begin(title);
    page.element("h1", title).open("ul");
    lines().forEach(line -> page.element("li", line));
    page.close("ul").open("div", "class", "plots");
    page.add(chart("Good answers a second", BLUE, Trial::goodput));
    page.add(chart("p99, ms", RED, Trial::p99Millis));
    page.close("div").open("div", "class", "wide").open("table").open("tr");
    List.of("calls/s", "good answers/s", "p99 ms", "holds", "why not")
        .forEach(cell -> page.element("th", cell));
    page.close("tr");
    for (Trial trial : found.trials()) {
      page.open("tr");
      List.of(
              line("%.1f", trial.rate()),
              trial.valid() ? line("%.1f", trial.goodput()) : "",
              trial.valid() ? line("%.1f", trial.p99Millis()) : "",
              trial.valid() ? trial.holds() ? "yes" : "no" : "the generator was late",
              String.join("; ", trial.reasons()))
          .forEach(cell -> page.element("td", cell));
      page.close("tr");
    }
    page.close("table").close("div");
    return HtmlPage.end(page);
  }

  /** Over the rate, of the trials that say something. */
  private Markup chart(String title, String colour, ToDoubleFunction<Trial> value) {
    List<Series.Point> points =
        found.trials().stream()
            .filter(Trial::valid)
            .sorted(Comparator.comparingDouble(Trial::rate))
            .map(trial -> new Series.Point(trial.rate(), value.applyAsDouble(trial)))
            .toList();
    return LineChart.of(title, "calls/s", List.of(new Series("", colour, points)), null);
  }
}
