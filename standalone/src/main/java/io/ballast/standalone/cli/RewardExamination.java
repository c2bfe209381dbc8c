package io.ballast.standalone.cli;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.rl.aggregation.PessimisticSide;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Proves what a live ensemble promises of its scores, one promise after the other. */
final class RewardExamination {
  /** Items of a batch with company. */
  private static final int COMPANY = 64;

  /** Of what the server computes in 64 bits from the members' scores. */
  private static final double ARITHMETIC = 1e-9;

  private static final List<String> PROMPTS =
      List.of(
          "",
          "int ",
          "The answer is",
          "for (int i = 0; i < ",
          "/** Returns the sum of the values. */\nint sum(int[] values) {\n  ");
  private static final List<String> COMPLETIONS =
      List.of(
          ";",
          "a = 1;",
          " forty-two, and nothing else.",
          "n; i++) {\n  total += i;\n}",
          "return java.util.Arrays.stream(values).sum();\n}\n",
          "x".repeat(3) + " ".repeat(5) + "é 汉 🙂");

  private final RewardProbe probe;
  private final double tolerance;
  private final long seed;

  /**
   * @param tolerance how far two raw scores of one item may be apart, relative to the larger of 1
   *     and the score, ≥ 0
   * @param seed draws the company
   */
  RewardExamination(RewardProbe probe, double tolerance, long seed) {
    this.probe = probe;
    this.tolerance = tolerance;
    this.seed = seed;
  }

  /** One look. */
  @FunctionalInterface
  interface Step {
    List<Finding> examine();
  }

  /** What is looked at, in this order. */
  List<Step> steps() {
    return List.of(
        () -> List.of(ensemble()),
        () -> List.of(golden()),
        () -> List.of(determinism()),
        () -> List.of(company()),
        () -> List.of(stream()),
        () -> List.of(normalisation()),
        this::aggregation,
        () -> List.of(failures()));
  }

  private static ScoreItem item(String id, TextOrTokens prompt, TextOrTokens completion) {
    return ScoreItem.newBuilder().setItemId(id).setPrompt(prompt).setCompletion(completion).build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  /** Texts of many lengths, each prompt with each completion. */
  private static List<ScoreItem> probes() {
    List<ScoreItem> items = new ArrayList<>();
    for (String prompt : PROMPTS) {
      for (String completion : COMPLETIONS) {
        items.add(item("probe-" + items.size(), text(prompt), text(completion)));
      }
    }
    return items;
  }

  private ScoreResponse score(List<ScoreItem> items) {
    return probe.score(items, Aggregation.getDefaultInstance());
  }

  private Finding ensemble() {
    ScoreResponse answer = score(probes());
    String name = ModelOptions.text(answer.getModelVersion());
    if (!answer.hasAggregation()) {
      throw new CommandFailure(
          Exit.USAGE, "COMPOSITE", name + " is a composite: examine the ensembles that it asks");
    }
    Optional<RewardEnsemble> listed = listed(answer);
    if (listed.isEmpty()) {
      return Finding.broken(
          "ensemble", name + " answers and is not listed", "restart the server, and report it");
    }
    for (RewardMember member : listed.get().getMembersList()) {
      if (!(member.getScoreStd() > 0) || !Double.isFinite(member.getScoreMean())) {
        return Finding.broken(
            "ensemble",
            "%s: mean %s, standard deviation %s"
                .formatted(
                    ModelOptions.text(member.getModelVersion()),
                    member.getScoreMean(),
                    member.getScoreStd()),
            "publish it anew: its scale is none");
      }
    }
    for (ScoreResult result : answer.getResultsList()) {
      if (!result.hasValue()) {
        return Finding.broken(
            "ensemble", name + ": " + failure(result), "a plain text should have a reward");
      }
    }
    return Finding.good(
        "ensemble",
        "%s, %d members, quorum %d, weights %s…, %s"
            .formatted(
                name,
                listed.get().getMembersCount(),
                answer.getQuorum(),
                answer
                    .getModelVersion()
                    .getWeightsSha256()
                    .substring(
                        0, Math.min(12, answer.getModelVersion().getWeightsSha256().length())),
                listed.get().hasHeldOutAccuracy()
                    ? String.format(
                        Locale.ROOT, "%.3f of held-out pairs", listed.get().getHeldOutAccuracy())
                    : "not measured on held-out pairs"));
  }

  private Optional<RewardEnsemble> listed(ScoreResponse answer) {
    return probe.list().getEnsemblesList().stream()
        .filter(each -> each.getModelVersion().equals(answer.getModelVersion()))
        .findFirst();
  }

  private static String failure(ScoreResult result) {
    return "%s: %s %s"
        .formatted(
            result.getItemId(),
            result.getFailure().getReason().name().replaceFirst("^FAILURE_REASON_", ""),
            result.getFailure().getMessage());
  }

  private Finding golden() {
    GetGoldenScoresResponse golden = probe.golden();
    if (golden.getItemsCount() == 0) {
      return Finding.weak(
          "golden scores",
          ModelOptions.text(golden.getModelVersion()) + ": the server tells none",
          "nothing shows here that it scores as it was published; versions of ./mesh reward train do");
    }
    List<ScoreItem> items = new ArrayList<>();
    for (GoldenScore kept : golden.getItemsList()) {
      items.add(
          item(
              "golden-" + items.size(),
              TextOrTokens.newBuilder().setTokens(kept.getPrompt()).build(),
              TextOrTokens.newBuilder().setTokens(kept.getCompletion()).build()));
    }
    ScoreResponse answer = score(items);
    double worst = 0;
    for (int i = 0; i < items.size(); i++) {
      List<Double> expected = golden.getItems(i).getRawScoresList();
      ScoreResult result = answer.getResults(i);
      if (result.getMembersCount() != expected.size()) {
        return broken("golden scores", failure(result), "");
      }
      for (int k = 0; k < expected.size(); k++) {
        MemberScore member = result.getMembers(k);
        double off =
            member.hasRawScore() ? Math.abs(member.getRawScore() - expected.get(k)) : Double.NaN;
        if (!(off <= golden.getTolerance())) {
          return broken(
              "golden scores",
              "items[%d], member %d: %s (published: %s ± %s)"
                  .formatted(
                      i,
                      k,
                      member.hasRawScore()
                          ? Double.toString(member.getRawScore())
                          : member.getFailure().getMessage(),
                      expected.get(k),
                      golden.getTolerance()),
              "");
        }
        worst = Math.max(worst, off);
      }
    }
    return Finding.good(
        "golden scores",
        "%d come out again, worst off by %.1e (allowed: %s)"
            .formatted(items.size(), worst, golden.getTolerance()));
  }

  private static Finding broken(String subject, String detail, String mend) {
    return Finding.broken(
        subject,
        detail,
        mend.isEmpty() ? "do not train on it: another engine, tokenizer or weights serve" : mend);
  }

  private Finding determinism() {
    List<ScoreItem> items = probes();
    Apart apart = new Apart("again");
    ScoreResponse first = score(items);
    ScoreResponse again = score(items);
    for (int i = 0; i < items.size(); i++) {
      apart.compare(first.getResults(i), again.getResults(i));
    }
    return apart.finding("determinism", "%d items asked twice".formatted(items.size()));
  }

  private Finding company() {
    List<ScoreItem> items = probes();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    Apart apart = new Apart("in company");
    int batches = 0;
    for (int i = 0; i < items.size(); i += 3) {
      ScoreResult alone = score(List.of(items.get(i))).getResults(0);
      int[] places = {0, random.nextInt(1, COMPANY - 1), COMPANY - 1};
      for (int place : places) {
        List<ScoreItem> batch = new ArrayList<>();
        for (int j = 0; j < COMPANY; j++) {
          ScoreItem other = items.get(random.nextInt(items.size()));
          batch.add((j == place ? items.get(i) : other).toBuilder().setItemId("at-" + j).build());
        }
        apart.compare(alone, score(batch).getResults(place));
        batches++;
      }
    }
    return apart.finding(
        "company",
        "items alone, and first, last and within %d batches of %d".formatted(batches, COMPANY));
  }

  private Finding stream() {
    List<ScoreItem> items = probes();
    Map<String, ScoreResult> streamed = probe.stream(items);
    ScoreResponse whole = score(items);
    Apart apart = new Apart("in a stream");
    for (int i = 0; i < items.size(); i++) {
      apart.compare(
          whole.getResults(i),
          streamed.getOrDefault(items.get(i).getItemId(), ScoreResult.getDefaultInstance()));
    }
    return apart.finding("stream", "%d items in a stream and in one call".formatted(items.size()));
  }

  private Finding normalisation() {
    ScoreResponse answer = score(probes());
    List<RewardMember> scales =
        listed(answer).map(RewardEnsemble::getMembersList).orElse(List.of());
    int checked = 0;
    for (ScoreResult result : answer.getResultsList()) {
      for (int k = 0; k < result.getMembersCount(); k++) {
        MemberScore member = result.getMembers(k);
        if (!member.hasRawScore() || k >= scales.size()) {
          continue;
        }
        double expected =
            (member.getRawScore() - scales.get(k).getScoreMean()) / scales.get(k).getScoreStd();
        if (!near(member.getNormalisedScore(), expected, ARITHMETIC)) {
          return broken(
              "normalisation",
              "%s, member %d: %s (expected: (%s - %s)/%s = %s)"
                  .formatted(
                      result.getItemId(),
                      k,
                      member.getNormalisedScore(),
                      member.getRawScore(),
                      scales.get(k).getScoreMean(),
                      scales.get(k).getScoreStd(),
                      expected),
              "");
        }
        checked++;
      }
    }
    return checked == 0
        ? broken("normalisation", "no member said a number", "")
        : Finding.good(
            "normalisation", "%d scores are (raw - mean)/std of their member".formatted(checked));
  }

  private List<Finding> aggregation() {
    ListRewardModelsResponse list = probe.list();
    List<Finding> findings = new ArrayList<>();
    for (AggregationMethod method : list.getAllowedAggregationsList()) {
      findings.add(aggregation(Aggregation.newBuilder().setMethod(method).build()));
    }
    return findings;
  }

  private Finding aggregation(Aggregation asked) {
    ScoreResponse answer = probe.score(probes(), asked);
    ScoreAggregator aggregator = aggregator(answer.getAggregation());
    String subject = "aggregation";
    for (ScoreResult result : answer.getResultsList()) {
      double[] members =
          result.getMembersList().stream()
              .filter(MemberScore::hasNormalisedScore)
              .mapToDouble(MemberScore::getNormalisedScore)
              .toArray();
      if (!result.hasValue()) {
        return Finding.weak(subject, failure(result), "a plain text should have a reward");
      }
      double value = aggregator.aggregate(members);
      double spread = ScoreAggregator.spread(members);
      if (!near(result.getValue(), value, ARITHMETIC)
          || !near(result.getSpread(), spread, ARITHMETIC)) {
        return broken(
            subject,
            "%s of %s: reward %s, spread %s (expected: %s, %s)"
                .formatted(
                    AggregationOptions.text(answer.getAggregation()),
                    result.getItemId(),
                    result.getValue(),
                    result.getSpread(),
                    value,
                    spread),
            "");
      }
    }
    return Finding.good(
        subject,
        "%s: %d rewards are what their members make"
            .formatted(AggregationOptions.text(answer.getAggregation()), answer.getResultsCount()));
  }

  private static ScoreAggregator aggregator(Aggregation used) {
    return new ScoreAggregator(
        switch (used.getMethod()) {
          case AGGREGATION_METHOD_MEAN -> io.ballast.rl.aggregation.AggregationMethod.MEAN;
          case AGGREGATION_METHOD_WCO -> io.ballast.rl.aggregation.AggregationMethod.WORST_CASE;
          case AGGREGATION_METHOD_UWO ->
              io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED;
          case AGGREGATION_METHOD_UWO_SAMPLE ->
              io.ballast.rl.aggregation.AggregationMethod.UNCERTAINTY_WEIGHTED_SAMPLE;
          case AGGREGATION_METHOD_MEDIAN -> io.ballast.rl.aggregation.AggregationMethod.MEDIAN;
          case AGGREGATION_METHOD_LOWER_QUANTILE ->
              io.ballast.rl.aggregation.AggregationMethod.LOWER_QUANTILE;
          case AGGREGATION_METHOD_UNSPECIFIED, UNRECOGNIZED ->
              throw new CommandFailure(
                  Exit.FAILED,
                  "UNKNOWN_AGGREGATION",
                  "the server aggregates by a method that this command does not know");
        },
        used.hasUwoLambda() ? used.getUwoLambda() : 0,
        used.hasQuantile() ? used.getQuantile() : ScoreAggregator.USUAL_QUANTILE,
        PessimisticSide.LOW);
  }

  private Finding failures() {
    List<ScoreItem> good = probes().subList(0, 4);
    List<ScoreItem> mixed = new ArrayList<>(good);
    mixed.add(2, item("empty", text("a"), text("")));
    mixed.add(ScoreItem.newBuilder().setItemId("nothing").build());
    mixed.add(item("long", text("a"), text("word ".repeat(20_000))));
    ScoreResponse clean = score(good);
    ScoreResponse answer = score(mixed);
    Apart apart = new Apart("beside bad items");
    int at = 0;
    for (int i = 0; i < mixed.size(); i++) {
      ScoreResult result = answer.getResults(i);
      FailureReason expected =
          switch (mixed.get(i).getItemId()) {
            case "empty", "nothing" -> FailureReason.FAILURE_REASON_INVALID_INPUT;
            case "long" -> FailureReason.FAILURE_REASON_TOO_LONG;
            default -> FailureReason.FAILURE_REASON_UNSPECIFIED;
          };
      if (expected == FailureReason.FAILURE_REASON_UNSPECIFIED) {
        apart.compare(clean.getResults(at++), result);
      } else if (result.hasValue() || result.getFailure().getReason() != expected) {
        return broken(
            "failures",
            "%s: %s (expected: a failure, %s)"
                .formatted(
                    mixed.get(i).getItemId(),
                    result.hasValue() ? "reward " + result.getValue() : failure(result),
                    expected),
            "a made-up number would be trained on");
      }
    }
    return apart.finding(
        "failures", "three bad items fail alone, each with its reason; their neighbours");
  }

  private static boolean near(double a, double b, double within) {
    return Math.abs(a - b) <= within * Math.max(1, Math.max(Math.abs(a), Math.abs(b)));
  }

  /** How far scores of the same items are apart. */
  private final class Apart {
    private final String where;
    private double worst;
    private int compared;
    private int missing;
    private String first = "";

    private Apart(String where) {
      this.where = where;
    }

    private void compare(ScoreResult one, ScoreResult other) {
      if (one.getMembersCount() == 0 || one.getMembersCount() != other.getMembersCount()) {
        note(
            "%s: %d members, %s %d"
                .formatted(one.getItemId(), one.getMembersCount(), where, other.getMembersCount()));
        return;
      }
      for (int k = 0; k < one.getMembersCount(); k++) {
        MemberScore a = one.getMembers(k);
        MemberScore b = other.getMembers(k);
        if (a.hasRawScore() && b.hasRawScore()) {
          compare(one.getItemId(), k, a.getRawScore(), b.getRawScore());
        } else if (a.hasRawScore() || b.hasRawScore()) {
          note("%s, member %d: %s, %s %s".formatted(one.getItemId(), k, said(a), where, said(b)));
        } else {
          missing++;
        }
      }
    }

    private void compare(String item, int member, double a, double b) {
      compared++;
      if (!near(a, b, tolerance)) {
        note("%s, member %d: %s, %s %s".formatted(item, member, a, where, b));
      }
      worst = Math.max(worst, Math.abs(a - b) / Math.max(1, Math.max(Math.abs(a), Math.abs(b))));
    }

    private static String said(MemberScore member) {
      return member.hasRawScore()
          ? Double.toString(member.getRawScore())
          : member.getFailure().getMessage();
    }

    private void note(String difference) {
      if (first.isEmpty()) {
        first = difference;
      }
    }

    private Finding finding(String subject, String what) {
      if (!first.isEmpty()) {
        return broken(subject, first, "");
      }
      if (missing > 0) {
        return Finding.weak(
            subject,
            "%s: %d of %d members' scores are missing".formatted(what, missing, missing + compared),
            "what a member does not say is not compared: see its failures by ./mesh score --json");
      }
      return Finding.good(
          subject, String.format(Locale.ROOT, "%s: apart by at most %.1e", what, worst));
    }
  }
}
