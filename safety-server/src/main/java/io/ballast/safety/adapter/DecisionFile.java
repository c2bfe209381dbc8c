package io.ballast.safety.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateHistory;
import io.ballast.safety.core.gate.GateScores;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.LoggedSuggestion.Gating;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.zip.GZIPInputStream;

/**
 * Decisions as JSON lines, plain or gzip: {@code {"user", "prompt", "suggestion", "outcome"}} and
 * what else is known of each.
 */
public final class DecisionFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private DecisionFile() {}

  /**
   * Reads all decisions.
   *
   * @throws UnusableLogException if a line is no decision, naming it and what is wrong
   */
  public static List<LoggedSuggestion> read(Path file) throws IOException, UnusableLogException {
    List<LoggedSuggestion> log = new ArrayList<>();
    try (InputStream in = open(file);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        try {
          log.add(decision(JSON.readTree(line)));
        } catch (JsonProcessingException e) {
          throw new UnusableLogException(
              "line %,d: not JSON: %s".formatted(number, e.getOriginalMessage()));
        } catch (IllegalArgumentException | DateTimeException e) {
          throw new UnusableLogException("line %,d: %s".formatted(number, e.getMessage()));
        }
      }
    }
    return log;
  }

  private static InputStream open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file));
    in.mark(2);
    boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
    in.reset();
    return gzip ? new GZIPInputStream(in) : in;
  }

  private static LoggedSuggestion decision(JsonNode json) {
    String suggestion = json.path("suggestion").asText("");
    Optional<Boolean> kept =
        switch (json.path("outcome").asText("")) {
          case "accepted", "edited" -> Optional.of(true);
          case "rejected" -> Optional.of(false);
          case "" -> Optional.empty();
          default ->
              throw new IllegalArgumentException(
                  "outcome: %s (expected: accepted, edited, rejected or none)"
                      .formatted(json.path("outcome")));
        };
    return new LoggedSuggestion(
        json.path("tenant").asText("default"),
        json.path("user").asText(""),
        new GateContext(
            text(json, "prompt"),
            json.has("history") ? Optional.of(history(json.path("history"))) : Optional.empty()),
        suggestion.isEmpty() ? Optional.empty() : Optional.of(suggestion(json, suggestion)),
        json.path("shown").asBoolean(true),
        kept,
        propensity(json),
        json.has("decision_time") ? Instant.parse(text(json, "decision_time")) : Instant.EPOCH,
        new LoggedSuggestion.Said(
            number(json, "stage_one"),
            number(json, "stage_two"),
            json.path("stage_one_withholds").asBoolean(false),
            gating(json.path("enforced"))));
  }

  /** What a gate may have withheld or shown by chance says how probable that was. */
  private static double propensity(JsonNode json) {
    if (!json.has("propensity")
        && (!json.path("shown").asBoolean(true) || json.path("enforced").asBoolean(false))) {
      throw new IllegalArgumentException(
          "propensity: none (expected: one, of what a gate decided or nobody saw)");
    }
    return number(json, "propensity").orElse(1);
  }

  private static Gating gating(JsonNode enforced) {
    if (enforced.isMissingNode()) {
      return Gating.UNKNOWN;
    }
    if (!enforced.isBoolean()) {
      throw new IllegalArgumentException(
          "enforced: %s (expected: true or false)".formatted(enforced));
    }
    return enforced.asBoolean() ? Gating.ENFORCED : Gating.NOT_ENFORCED;
  }

  private static GateSuggestion suggestion(JsonNode json, String text) {
    JsonNode given = json.path("log_probs");
    float[] logProbs = new float[given.size()];
    for (int t = 0; t < logProbs.length; t++) {
      if (!given.get(t).isNumber()) {
        throw new IllegalArgumentException(
            "log_probs[%d]: %s (expected: a number)".formatted(t, given.get(t)));
      }
      logProbs[t] = given.get(t).floatValue();
    }
    return new GateSuggestion(
        text,
        PerToken.of(logProbs),
        json.has("stop_reason")
            ? Optional.of(constant("stop_reason", text(json, "stop_reason"), StopReason.values()))
            : Optional.empty(),
        new GateScores(
            number(json, "reward"),
            number(json, "reward_spread"),
            number(json, "harm_probability")));
  }

  private static GateHistory history(JsonNode json) {
    List<GateHistory.Past> outcomes = new ArrayList<>();
    for (JsonNode outcome : json.path("outcomes")) {
      outcomes.add(
          new GateHistory.Past(
              constant("history.outcomes.kind", text(outcome, "kind"), GateHistory.Kind.values()),
              number(outcome, "age_seconds")));
    }
    return new GateHistory(
        outcomes,
        json.path("accepted").asInt(),
        json.path("answered").asInt(),
        json.has("previous_suggestion_characters")
            ? OptionalInt.of(json.path("previous_suggestion_characters").asInt())
            : OptionalInt.empty());
  }

  private static <E extends Enum<E>> E constant(String field, String text, E[] values) {
    return Arrays.stream(values)
        .filter(value -> value.name().equals(text.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s: '%s' (expected: one of %s)"
                        .formatted(field, text, Arrays.toString(values))));
  }

  private static String text(JsonNode json, String field) {
    if (!json.path(field).isTextual() || json.path(field).asText().isEmpty()) {
      throw new IllegalArgumentException(
          "%s: %s (expected: a text)".formatted(field, json.path(field)));
    }
    return json.path(field).asText();
  }

  private static OptionalDouble number(JsonNode json, String field) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return OptionalDouble.empty();
    }
    if (!value.isNumber()) {
      throw new IllegalArgumentException("%s: %s (expected: a number)".formatted(field, value));
    }
    return OptionalDouble.of(value.asDouble());
  }
}
