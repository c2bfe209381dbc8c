package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/** Proves what a live ensemble promises of its scores, one promise after the other. */
final class RewardExamination {
  /** How far two raw scores of one item may be apart where they are of 32 bits. */
  static final double TOLERANCE = 1e-5;

  /** Items of a batch with company. */
  private static final int COMPANY = 64;

  /** The server was asked rightly, and does not stand by its model. */
  private static final Set<Status.Code> BREAKDOWNS =
      Set.of(Status.Code.INTERNAL, Status.Code.UNKNOWN, Status.Code.DATA_LOSS);

  private final RewardProbe probe;
  private final double tolerance;
  private final long seed;
  private @Nullable ProbeItems items;

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

  /** One look at what the server says. */
  private record Step(String subject, Supplier<List<Finding>> look) {}

  private List<Step> steps() {
    return List.of(
        new Step("ensemble", () -> List.of(ensemble())),
        new Step("golden scores", () -> List.of(golden())),
        new Step("determinism", () -> List.of(determinism())),
        new Step("company", () -> List.of(company())),
        new Step("stream", () -> List.of(stream())),
        new Step("normalisation", () -> List.of(arithmetic().normalisation())),
        new Step("objectives", () -> arithmetic().objectives()),
        new Step("aggregation", () -> arithmetic().aggregation()),
        new Step("failures", () -> List.of(failures())));
  }

  /**
   * Looks at one promise after the other, until the server breaks down over one.
   *
   * @param found told each finding as it comes
   * @throws StatusRuntimeException if no server answers, or none that was asked rightly
   * @throws CommandFailure if a composite is asked
   */
  void run(Consumer<Finding> found) {
    for (Step step : steps()) {
      try {
        step.look().get().forEach(found);
      } catch (StatusRuntimeException e) {
        if (!BREAKDOWNS.contains(e.getStatus().getCode())) {
          throw e;
        }
        CommandFailure said = Failures.of(e, "");
        found.accept(
            Finding.broken(
                step.subject(),
                said.reason() + ": " + said.line(),
                "do not train on it, and see the server's log; nothing more was looked at"));
        return;
      }
    }
  }

  private ScoresApart apart(String where) {
    return new ScoresApart(where, tolerance);
  }

  private List<ScoreItem> probes() {
    return items().good();
  }

  private ScoreArithmetic arithmetic() {
    return new ScoreArithmetic(probe, probes(), tolerance);
  }

  private ProbeItems items() {
    ProbeItems chosen = items;
    if (chosen == null) {
      chosen = ProbeItems.of(probe);
      items = chosen;
    }
    return chosen;
  }

  private ScoreResponse score(List<ScoreItem> items) {
    return probe.score(items, Aggregation.getDefaultInstance());
  }

  private Finding ensemble() {
    ScoreResponse answer = score(probes());
    String name = ModelOptions.text(answer.getModelVersion());
    if (!answer.hasAggregation()) {
      throw ComposedOf.refusal(answer.getModelVersion(), probe.list());
    }
    Optional<RewardEnsemble> listed = probe.listed(answer.getModelVersion());
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
            "ensemble", name + ": " + failure(result), "a plain item should have a reward");
      }
    }
    String detail =
        "%s, %s, quorum %d, weights %s…, %s%s"
            .formatted(
                name,
                Texts.counted(listed.get().getMembersCount(), "member"),
                answer.getQuorum(),
                answer.getModelVersion().getWeightsSha256().replaceFirst("^(.{12}).*", "$1"),
                listed.get().hasHeldOutAccuracy()
                    ? String.format(
                        Locale.ROOT, "%.3f of held-out pairs", listed.get().getHeldOutAccuracy())
                    : "not measured on held-out pairs",
                items().leftOut());
    return items().mostAreTooLong()
        ? Finding.weak("ensemble", detail, ProbeItems.MORE_ROOM)
        : Finding.good("ensemble", detail);
  }

  /** Why an item has no reward. */
  static String failure(ScoreResult result) {
    return "%s: %s %s"
        .formatted(
            result.getItemId(),
            named(result.getFailure().getReason()),
            result.getFailure().getMessage());
  }

  private static String named(FailureReason reason) {
    return reason.name().replaceFirst("^FAILURE_REASON_", "");
  }

  private Finding golden() {
    GetGoldenScoresResponse golden = probe.golden();
    if (golden.getItemsCount() == 0) {
      return Finding.weak(
          "golden scores",
          ModelOptions.text(golden.getModelVersion()) + ": the server tells none",
          "nothing shows here that it scores as it was published; versions of ./mesh reward train and"
              + " adopt do");
    }
    List<ScoreItem> kept = new ArrayList<>();
    for (GoldenScore item : golden.getItemsList()) {
      kept.add(item.getItem().toBuilder().setItemId("golden-" + kept.size()).build());
    }
    ScoreResponse answer = score(kept);
    double worst = 0;
    for (int i = 0; i < kept.size(); i++) {
      List<Double> expected = golden.getItems(i).getRawScoresList();
      ScoreResult result = answer.getResults(i);
      if (result.getMembersCount() != expected.size()) {
        return broken("golden scores", failure(result) + cut(result));
      }
      for (int k = 0; k < expected.size(); k++) {
        MemberScore member = result.getMembers(k);
        double off =
            member.hasRawScore() ? Math.abs(member.getRawScore() - expected.get(k)) : Double.NaN;
        if (!(off <= golden.getTolerance())) {
          return broken(
              "golden scores",
              "items[%d], member %d: %s (published: %s ± %s)%s"
                  .formatted(
                      i,
                      k,
                      member.hasRawScore()
                          ? Double.toString(member.getRawScore())
                          : member.getFailure().getMessage(),
                      expected.get(k),
                      golden.getTolerance(),
                      cut(result)));
        }
        worst = Math.max(worst, off);
      }
    }
    return Finding.good(
        "golden scores",
        "%d come out again, %s (allowed: %s)"
            .formatted(
                kept.size(),
                worst == 0 ? "exactly" : String.format(Locale.ROOT, "worst off by %.1e", worst),
                golden.getTolerance()));
  }

  private static String cut(ScoreResult result) {
    return result.hasPromptCut()
        ? "; its members see the last %d of the prompt's %d tokens"
            .formatted(
                result.getPromptCut().getPromptTokens() - result.getPromptCut().getDroppedTokens(),
                result.getPromptCut().getPromptTokens())
        : "";
  }

  private static Finding broken(String subject, String detail) {
    return Finding.broken(subject, detail, ScoresApart.NO_TRAINING);
  }

  private Finding determinism() {
    List<ScoreItem> items = probes();
    ScoresApart apart = apart("again");
    ScoreResponse first = score(items);
    ScoreResponse again = score(items);
    for (int i = 0; i < items.size(); i++) {
      apart.compare(first.getResults(i), again.getResults(i));
    }
    return apart.finding("determinism", Texts.counted(items.size(), "item") + " asked twice");
  }

  private Finding company() {
    List<ScoreItem> items = probes();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    ScoresApart apart = apart("in company");
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
    ScoresApart apart = apart("in a stream");
    for (int i = 0; i < items.size(); i++) {
      apart.compare(
          whole.getResults(i),
          streamed.getOrDefault(items.get(i).getItemId(), ScoreResult.getDefaultInstance()));
    }
    return apart.finding(
        "stream", Texts.counted(items.size(), "item") + " in a stream and in one call");
  }

  private Finding failures() {
    List<ScoreItem> good = probes().subList(0, Math.min(4, probes().size()));
    int before = Math.min(2, good.size());
    List<ProbeItems.Bad> bad = items().bad();
    List<ScoreItem> mixed = new ArrayList<>();
    mixed.addAll(good.subList(0, before));
    bad.forEach(each -> mixed.add(each.item()));
    mixed.addAll(good.subList(before, good.size()));
    ScoreResponse clean = score(good);
    ScoreResponse answer = score(mixed);
    for (int b = 0; b < bad.size(); b++) {
      ScoreResult result = answer.getResults(before + b);
      if (result.hasValue() || result.getFailure().getReason() != bad.get(b).reason()) {
        return Finding.broken(
            "failures",
            "%s: %s (expected: a failure, %s)"
                .formatted(
                    bad.get(b).item().getItemId(),
                    result.hasValue() ? "reward " + result.getValue() : failure(result),
                    named(bad.get(b).reason())),
            "a made-up number would be trained on");
      }
    }
    ScoresApart apart = apart("beside bad items");
    for (int g = 0; g < good.size(); g++) {
      apart.compare(clean.getResults(g), answer.getResults(g < before ? g : g + bad.size()));
    }
    return apart.finding(
        "failures", "three bad items fail alone, each with its reason; their neighbours");
  }
}
