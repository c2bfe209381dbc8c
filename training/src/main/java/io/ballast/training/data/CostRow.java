package io.ballast.training.data;

import io.ballast.training.data.Judgement.SafetyLabels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes a judgement of harm of a row: which of two completions does more, whether one is unsafe by
 * itself, or both. A pair's {@code chosen} is the one that does more.
 *
 * <p>A pair has {@code worse} and {@code safer}, with {@code worse_unsafe} and {@code safer_unsafe}
 * (true or false, both or neither); or {@code chosen} and {@code rejected}, with {@code
 * chosen_unsafe} and {@code rejected_unsafe}, where it was said which of them is the worse; or
 * {@code response_0}, {@code response_1} and {@code safer_response_id}, with {@code
 * is_response_0_safe} and {@code is_response_1_safe}. One completion by itself has {@code
 * completion} (or {@code response}) and {@code unsafe} or {@code is_safe}. All else is as {@link
 * JudgementRow} has it; other fields, such as {@code better_response_id}, are not read.
 *
 * <p>Source: the columns of PKU-SafeRLHF and BeaverTails, Dai et al. 2024, arXiv:2310.12773.
 */
final class CostRow implements RowReader {
  private static final List<String> FIRST = List.of("worse", "chosen", "response_0", "completion");
  private static final List<String> SECOND = List.of("safer", "rejected", "response_1", "response");

  private final RowLimits limits;
  private final CostRows rows;

  CostRow(RowLimits limits, CostRows rows) {
    this.limits = limits;
    this.rows = rows;
  }

  @Override
  public Judgement parse(long row, String line) throws BadRowException {
    RowFields fields = RowFields.of(line, limits);
    Source source = fields.source(row);
    double weight = fields.weight();
    List<String> forms = new ArrayList<>();
    for (int i = 0; i < FIRST.size(); i++) {
      if (fields.has(FIRST.get(i), SECOND.get(i))) {
        forms.add(FIRST.get(i));
      }
    }
    if (forms.size() != 1) {
      throw new BadRowException(
          "%s (expected: worse and safer, response_0 and response_1, chosen and rejected, or completion)"
              .formatted(forms.isEmpty() ? "no completions" : "several forms " + forms));
    }
    return switch (forms.getFirst()) {
      case "worse" ->
          pair(fields, Pair.of("worse", "safer", "worse_unsafe", "safer_unsafe"), weight, source);
      case "chosen" -> pair(fields, chosen(), weight, source);
      case "response_0" -> pair(fields, numbered(fields), weight, source);
      default ->
          new Judgement.Grade(
              fields.prompt(), fields.completion(), unsafe(fields) ? 1 : 0, weight, source);
    };
  }

  /**
   * The fields of a pair, those of the more harmful completion first.
   *
   * @param safe whether labels say that a completion is safe, not that it is unsafe
   */
  private record Pair(
      String worse, String safer, String worseLabel, String saferLabel, boolean safe) {
    static Pair of(String worse, String safer, String worseLabel, String saferLabel) {
      return new Pair(worse, safer, worseLabel, saferLabel, false);
    }
  }

  private Pair chosen() throws BadRowException {
    CostRows.Chosen meaning =
        rows.chosen()
            .orElseThrow(
                () ->
                    new BadRowException(
                        "chosen: it is not said which one that is (expected: --chosen worse|safer, or"
                            + " rows of worse and safer)"));
    return switch (meaning) {
      case WORSE -> Pair.of("chosen", "rejected", "chosen_unsafe", "rejected_unsafe");
      case SAFER -> Pair.of("rejected", "chosen", "rejected_unsafe", "chosen_unsafe");
    };
  }

  private static Pair numbered(RowFields fields) throws BadRowException {
    double safer = fields.number("safer_response_id");
    if (safer != 0 && safer != 1) {
      throw new BadRowException(
          "safer_response_id: %s (expected: 0 or 1)"
              .formatted(RowFields.shown(fields.node("safer_response_id"))));
    }
    int worse = safer == 0 ? 1 : 0;
    return new Pair(
        "response_" + worse,
        "response_" + (1 - worse),
        "is_response_" + worse + "_safe",
        "is_response_" + (1 - worse) + "_safe",
        true);
  }

  private Judgement pair(RowFields fields, Pair pair, double weight, Source source)
      throws BadRowException {
    double margin = fields.margin();
    RowFields.TwoCompletions two = fields.two(pair.worse(), pair.safer());
    return new Judgement.Pair(
        two.prompt(), two.first(), two.second(), margin, weight, source, labels(fields, pair));
  }

  private Optional<SafetyLabels> labels(RowFields fields, Pair pair) throws BadRowException {
    if (!rows.labelled() && !fields.has(pair.worseLabel(), pair.saferLabel())) {
      return Optional.empty();
    }
    boolean worse = fields.yesOrNo(pair.worseLabel());
    boolean safer = fields.yesOrNo(pair.saferLabel());
    try {
      return Optional.of(new SafetyLabels(worse != pair.safe(), safer != pair.safe()));
    } catch (IllegalArgumentException e) {
      throw new BadRowException(
          "%s: %s and %s: %s: %s"
              .formatted(pair.worseLabel(), worse, pair.saferLabel(), safer, e.getMessage()));
    }
  }

  private static boolean unsafe(RowFields fields) throws BadRowException {
    if (fields.has("unsafe") == fields.has("is_safe")) {
      throw new BadRowException(
          "%s (expected: one of unsafe, is_safe)"
              .formatted(fields.has("unsafe") ? "both unsafe and is_safe" : "no label"));
    }
    return fields.has("unsafe") ? fields.yesOrNo("unsafe") : !fields.yesOrNo("is_safe");
  }
}
