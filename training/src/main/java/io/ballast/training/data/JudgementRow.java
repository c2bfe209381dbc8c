package io.ballast.training.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a judgement of a row.
 *
 * <p>A pair has {@code chosen} and {@code rejected}; {@code prompt} (or {@code input}), {@code
 * margin}, {@code weight}, {@code user}, {@code annotator}, {@code time} (of the judgement, ISO
 * 8601 with a zone) and {@code policy_version} may be absent. Texts are strings, or messages {@code
 * [{"role": "…", "content": "…"}]}, of which the last of a completion is what the model said.
 * Without a prompt it is what both completions begin with: whole messages, or the text up to the
 * last white space before they differ, so that no word is cut.
 *
 * <p>A grade has {@code completion} (or {@code response}) and one of {@code label} (a yes or no, or
 * 1 and 0), {@code rating} with {@code minimum} and {@code maximum}, or {@code reaction}: {@code
 * LOVE} is 1 and every other reaction, {@code NONE} among them, is 0, as RLUF trains P[Love].
 *
 * <p>Source: the preference, implicit-prompt and unpaired formats of TRL and the reward data of
 * OpenRLHF; Han et al. 2025 (RLUF), arXiv:2505.14946.
 */
final class JudgementRow implements RowReader {
  private static final List<String> REACTIONS = List.of("LOVE", "LIKE", "DISLIKE", "NONE");

  private final RowLimits limits;

  JudgementRow(RowLimits limits) {
    this.limits = limits;
  }

  @Override
  public Judgement parse(long row, String line) throws BadRowException {
    RowFields fields = RowFields.of(line, limits);
    Source source = fields.source(row);
    double weight = fields.weight();
    boolean pair = fields.has("chosen", "rejected");
    boolean graded = fields.has("completion", "response");
    if (pair == graded) {
      throw new BadRowException(
          pair
              ? "both a pair and a grade (expected: chosen and rejected, or completion)"
              : "neither chosen and rejected nor completion");
    }
    return pair ? pair(fields, weight, source) : grade(fields, weight, source);
  }

  private static Judgement pair(RowFields fields, double weight, Source source)
      throws BadRowException {
    double margin = fields.margin();
    RowFields.TwoCompletions two = fields.two("chosen", "rejected");
    return new Judgement.Pair(two.prompt(), two.first(), two.second(), margin, weight, source);
  }

  private static Judgement grade(RowFields fields, double weight, Source source)
      throws BadRowException {
    return new Judgement.Grade(
        fields.prompt(), fields.completion(), gradeOf(fields), weight, source);
  }

  private static double gradeOf(RowFields fields) throws BadRowException {
    List<String> given = new ArrayList<>();
    for (String field : List.of("label", "rating", "reaction")) {
      if (fields.has(field)) {
        given.add(field);
      }
    }
    if (given.size() != 1) {
      throw new BadRowException(
          "%s (expected: one of label, rating, reaction)"
              .formatted(given.isEmpty() ? "no grade" : "grades " + given));
    }
    return switch (given.getFirst()) {
      case "label" -> label(fields.node("label"));
      case "rating" -> rating(fields);
      default -> reaction(fields.node("reaction"));
    };
  }

  private static double label(JsonNode label) throws BadRowException {
    if (label.isBoolean()) {
      return label.booleanValue() ? 1 : 0;
    }
    if (label.isNumber() && (label.doubleValue() == 0 || label.doubleValue() == 1)) {
      return label.doubleValue();
    }
    throw new BadRowException(
        "label: " + RowFields.shown(label) + " (expected: true, false, 1 or 0)");
  }

  private static double rating(RowFields fields) throws BadRowException {
    double least = fields.number("minimum");
    double most = fields.number("maximum");
    double rating = fields.number("rating");
    if (!(least < most) || rating < least || rating > most) {
      throw new BadRowException(
          "rating: %s of %s to %s (expected: minimum ≤ rating ≤ maximum)"
              .formatted(rating, least, most));
    }
    double grade = rating / (most - least) - least / (most - least); // no overflow at the extremes
    if (!Double.isFinite(grade)) {
      throw new BadRowException(
          "rating: %s of %s to %s (expected: a scale whose width is a number)"
              .formatted(rating, least, most));
    }
    return Math.clamp(grade, 0, 1);
  }

  private static double reaction(JsonNode reaction) throws BadRowException {
    if (!reaction.isTextual() || !REACTIONS.contains(reaction.textValue())) {
      throw new BadRowException(
          "reaction: %s (expected: one of %s)".formatted(RowFields.shown(reaction), REACTIONS));
    }
    return reaction.textValue().equals("LOVE") ? 1 : 0;
  }
}
