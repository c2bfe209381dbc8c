package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardObjective;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Proves that what a live ensemble computes from its heads' scores is what it states. */
final class ScoreArithmetic {
  /** Of what the server computes in 64 bits from the members' scores. */
  private static final double ARITHMETIC = 1e-9;

  private final RewardProbe probe;
  private final List<ScoreItem> items;
  private final double tolerance;

  /**
   * @param items plain ones, which should all have a reward
   * @param tolerance of sums that are made in 32 bits, relative to what is added up, ≥ 0
   */
  ScoreArithmetic(RewardProbe probe, List<ScoreItem> items, double tolerance) {
    this.probe = probe;
    this.items = items;
    this.tolerance = tolerance;
  }

  private static Finding broken(String subject, String detail) {
    return Finding.broken(subject, detail, ScoresApart.NO_TRAINING);
  }

  /** Members' scores are what the list's scales make of their raw ones. */
  Finding normalisation() {
    ScoreResponse answer = probe.score(items, Aggregation.getDefaultInstance());
    List<RewardMember> scales =
        probe
            .listed(answer.getModelVersion())
            .map(RewardEnsemble::getMembersList)
            .orElse(List.of());
    int checked = 0;
    for (ScoreResult result : answer.getResultsList()) {
      for (int k = 0; k < result.getMembersCount(); k++) {
        MemberScore member = result.getMembers(k);
        if (!member.hasRawScore() || k >= scales.size()) {
          continue;
        }
        double expected =
            (member.getRawScore() - scales.get(k).getScoreMean()) / scales.get(k).getScoreStd();
        if (!ScoresApart.near(member.getNormalisedScore(), expected, ARITHMETIC)) {
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
                      expected));
        }
        checked++;
      }
    }
    return checked == 0
        ? broken("normalisation", "no member said a number")
        : Finding.good(
            "normalisation", "%d scores are (raw - mean)/std of their member".formatted(checked));
  }

  /** Of an ensemble that judges by several objectives: its members' raw scores are the sums. */
  List<Finding> objectives() {
    ScoreResponse answer = probe.score(items, Aggregation.getDefaultInstance());
    List<RewardObjective> stated =
        probe
            .listed(answer.getModelVersion())
            .map(RewardEnsemble::getObjectivesList)
            .orElse(List.of());
    if (stated.isEmpty()) {
      return List.of();
    }
    int checked = 0;
    for (ScoreResult result : answer.getResultsList()) {
      Optional<String> flaw = flaw(stated, result);
      if (flaw.isPresent()) {
        return List.of(broken("objectives", result.getItemId() + flaw.get()));
      }
      checked += (int) result.getMembersList().stream().filter(MemberScore::hasRawScore).count();
    }
    return List.of(
        checked == 0
            ? broken("objectives", "no member said a number")
            : Finding.good(
                "objectives",
                "%d raw scores are the sums of %s"
                    .formatted(
                        checked,
                        stated.stream()
                            .map(each -> "%s·%s".formatted(each.getWeight(), each.getName()))
                            .collect(Collectors.joining(" + ")))));
  }

  /** What is wrong with an item's objectives. */
  private Optional<String> flaw(List<RewardObjective> stated, ScoreResult result) {
    List<String> told =
        result.getComponentsList().stream()
            .map(each -> each.getName() + " " + each.getWeight())
            .toList();
    List<String> listed =
        stated.stream().map(each -> each.getName() + " " + each.getWeight()).toList();
    if (!told.equals(listed)) {
      return Optional.of(
          ": objectives %s (expected: %s, as they are listed)".formatted(told, listed));
    }
    int members = result.getMembersCount();
    if (result.getComponentsList().stream().anyMatch(each -> each.getMembersCount() != members)
        || stated.stream().anyMatch(each -> each.getMembersCount() < members)) {
      return Optional.of(": an objective of other members (expected: %d)".formatted(members));
    }
    for (int k = 0; k < members; k++) {
      if (!result.getMembers(k).hasRawScore()) {
        continue;
      }
      double sum = 0;
      double size = 1; // of what was added up, in 32 bits
      for (int o = 0; o < stated.size(); o++) {
        RewardMember scale = stated.get(o).getMembers(k);
        MemberScore score = result.getComponents(o).getMembers(k);
        double raw = score.getRawScore();
        double normalised = (raw - scale.getScoreMean()) / scale.getScoreStd();
        if (!score.hasNormalisedScore()
            || !ScoresApart.near(score.getNormalisedScore(), normalised, ARITHMETIC)) {
          return Optional.of(
              ", %s, member %d: %s (expected: (%s - %s)/%s = %s)"
                  .formatted(
                      stated.get(o).getName(),
                      k,
                      score.getNormalisedScore(),
                      raw,
                      scale.getScoreMean(),
                      scale.getScoreStd(),
                      normalised));
        }
        double weight = stated.get(o).getWeight();
        sum += weight * normalised;
        size +=
            Math.abs(weight)
                * (Math.abs(raw) + Math.abs(scale.getScoreMean()))
                / scale.getScoreStd();
      }
      double given = result.getMembers(k).getRawScore();
      if (!(Math.abs(given - sum) <= tolerance * size)) {
        return Optional.of(
            ", member %d: %s (expected: %s, the sum of its objectives)".formatted(k, given, sum));
      }
    }
    return Optional.empty();
  }

  /** Rewards are what each aggregation that is allowed makes of members' scores. */
  List<Finding> aggregation() {
    ListRewardModelsResponse list = probe.list();
    List<Finding> findings = new ArrayList<>();
    for (AggregationMethod method : list.getAllowedAggregationsList()) {
      findings.add(aggregation(Aggregation.newBuilder().setMethod(method).build()));
    }
    return findings;
  }

  private Finding aggregation(Aggregation asked) {
    ScoreResponse answer = probe.score(items, asked);
    ScoreAggregator aggregator = AggregationOptions.aggregator(answer.getAggregation());
    String subject = "aggregation";
    for (ScoreResult result : answer.getResultsList()) {
      double[] members =
          result.getMembersList().stream()
              .filter(MemberScore::hasNormalisedScore)
              .mapToDouble(MemberScore::getNormalisedScore)
              .toArray();
      if (!result.hasValue()) {
        return Finding.weak(
            subject, RewardExamination.failure(result), "a plain item should have a reward");
      }
      double value = aggregator.aggregate(members);
      double spread = ScoreAggregator.spread(members);
      if (!ScoresApart.near(result.getValue(), value, ARITHMETIC)
          || !ScoresApart.near(result.getSpread(), spread, ARITHMETIC)) {
        return broken(
            subject,
            "%s of %s: reward %s, spread %s (expected: %s, %s)"
                .formatted(
                    AggregationOptions.text(answer.getAggregation()),
                    result.getItemId(),
                    result.getValue(),
                    result.getSpread(),
                    value,
                    spread));
      }
    }
    return Finding.good(
        subject,
        "%s: %s as their members make them"
            .formatted(
                AggregationOptions.text(answer.getAggregation()),
                Texts.counted(answer.getResultsCount(), "reward")));
  }
}
