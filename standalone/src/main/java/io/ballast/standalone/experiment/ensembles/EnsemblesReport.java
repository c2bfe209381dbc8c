package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.stats.Moments;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentReport.Chart;
import io.ballast.standalone.experiment.ExperimentReport.Section;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Collects what was measured as claims, tables and charts, in the order in which it is added. */
final class EnsemblesReport {
  private final EnsemblesPlan plan;
  private final List<Claim> claims = new ArrayList<>();
  private final List<Section> sections = new ArrayList<>();
  private final List<Chart> charts = new ArrayList<>();

  EnsemblesReport(EnsemblesPlan plan) {
    this.plan = plan;
  }

  /** Returns what was collected. */
  ExperimentReport report() {
    return new ExperimentReport(claims, sections, charts);
  }

  /** Adds best of n by the simulated programmer. */
  void programmer(CleanAndNoisy chosen, List<TrainedEnsemble> ensembles) {
    CurveClaims of = new CurveClaims("programmer", "characters");
    claims.add(of.ofOracle(chosen.clean()));
    curves(of, chosen);
    claims.addAll(of.ofForm(chosen.clean(), chosen.noisy(), plan.flips()));
    String text =
        String.format(
            Locale.ROOT,
            "Gold: characters that the honest programmer keeps, at %d held-out positions with %,d"
                + " completions each (at most %d tokens, temperature 1, none empty). %d seeds, each"
                + " with %d prompts of labels of its own, %d completions each, four fifths to learn"
                + " from; %d members. Means over seeds ± half the 95 %% interval; the single member"
                + " is the mean over all members. Held-out pairs in the right order, mean over"
                + " members and seeds: %.3f with clean labels, %.3f with %.0f %% flipped.",
            plan.pools(),
            plan.poolSize(),
            EnsemblesPlan.NEW_TOKENS,
            plan.seeds(),
            plan.labelPositions(),
            plan.labelSamples(),
            plan.members(),
            accuracy(ensembles, 0),
            accuracy(ensembles, plan.flips()),
            100 * plan.flips());
    sections.add(
        new Section("Best of n by the simulated programmer", paragraphs(text, tables(chosen))));
    sections.add(
        new Section(
            "Gao's form, fitted to them",
            paragraphs(
                "R = d·(α − β·d), d = √KL, up to n = %d, fitted to each seed's gain over n = 1."
                    .formatted(CurveClaims.FIT_UP_TO),
                "Clean labels",
                CurveTables.fits(chosen.clean()),
                flipped(),
                CurveTables.fits(chosen.noisy()))));
    charts("programmer", "Programmer", chosen);
  }

  private static double accuracy(List<TrainedEnsemble> ensembles, double flips) {
    return Moments.mean(
        ensembles.stream()
            .filter(ensemble -> ensemble.flips() == flips)
            .mapToDouble(TrainedEnsemble::memberAccuracy)
            .toArray());
  }

  /** Adds what people's judgements say, or that they were not there. */
  void people(Optional<PeopleStudy> study) {
    if (study.isEmpty()) {
      sections.add(
          new Section("People's judgements", "Left out: the data or the encoder was not there."));
      return;
    }
    CleanAndNoisy rated = study.orElseThrow().rated();
    curves(new CurveClaims("people", "rating points"), rated);
    String text =
        ("Short texts rated from −4 to 4 by 15 to 99 people each (cjhutto/vaderSentiment, MIT);"
                + " members learn on a sentence encoder from %d pairs, each text judged by one"
                + " person; gold is the mean of the other half of the people. Up to %d pools of %,d"
                + " texts that trained nothing, drawn anew for each seed.")
            .formatted(RatedTexts.PAIRS, PeopleStudy.RATED_POOLS, plan.poolSize());
    sections.add(new Section("Best of n by people's ratings", paragraphs(text, tables(rated))));
    charts("people", "People", rated);
    StringBuilder table = new StringBuilder(AgreementStudy.HEAD);
    for (AgreementStudy pairs : study.orElseThrow().pairs()) {
      claims.addAll(pairs.claims());
      table.append(pairs.rows());
    }
    sections.add(
        new Section(
            "Agreement with people's votes",
            paragraphs(
                "Share of held-out pairs in the order that people who taught nobody agree on, or"
                    + " for which there is one vote; half of the prompts are held out, anew for"
                    + " each seed.",
                table.toString())));
  }

  /** Adds the toy. */
  void toy(CleanAndNoisy both) {
    curves(new CurveClaims("toy", "standard deviations"), both);
    String text =
        ("Heavy-tailed vectors, made so that ensembles can help (`HeavyTailToy`); %d seeds, %d"
                + " pools of %,d. It shows what can occur, not what occurs.")
            .formatted(HeavyTailToy.SEEDS, HeavyTailToy.PROMPTS, HeavyTailToy.POOL);
    sections.add(new Section("A toy", paragraphs(text, tables(both))));
    charts("toy", "Toy", both);
  }

  /** Adds runs of learning at one share of flipped labels. */
  void learning(PolicyStudy study, double flips) {
    String labels = CurveClaims.labels(flips);
    claims.addAll(study.claims());
    sections.add(new Section("Learning through Score, " + labels, study.table()));
    String title = "Learning: gold against √KL, " + labels;
    charts.add(
        new Chart(
            flips == 0 ? "learning-clean.svg" : "learning-flipped.svg", title, study.chart(title)));
  }

  /** Adds a claim that rests on more than one measurement. */
  void claim(Claim claim) {
    claims.add(claim);
  }

  /** Adds what learning cost. */
  void work(RewardMesh mesh) {
    String text =
        String.format(
            Locale.ROOT,
            "%d runs of %d iterations: the first %d of the pools' prompts, %d completions each,"
                + " advantages in units of the group's standard deviation, one policy-gradient step"
                + " of AdamW at %s, no KL penalty. Rewards came from a reward-server in a process"
                + " of its own: %,d calls of Score over gRPC with %,d completions%s. The single"
                + " member is another one for each seed.",
            2 * plan.seeds() * Aggregate.values().length,
            plan.iterations(),
            plan.learned(),
            plan.completions(),
            plan.learningRate(),
            mesh.calls(),
            mesh.items(),
            mesh.cpuTime()
                .map(
                    time ->
                        String.format(Locale.ROOT, ", %,d seconds of its CPU", time.toSeconds()))
                .orElse(""));
    sections.add(new Section("What learning was", text));
  }

  private void curves(CurveClaims of, CleanAndNoisy both) {
    claims.addAll(of.ofNoise(both.clean(), 0));
    claims.addAll(of.ofNoise(both.noisy(), plan.flips()));
    claims.addAll(of.ofBoth(both.clean(), both.noisy(), plan.flips()));
  }

  private String tables(CleanAndNoisy both) {
    return paragraphs(
        "Clean labels", CurveTables.gold(both.clean()), flipped(), CurveTables.gold(both.noisy()));
  }

  private static String paragraphs(String... texts) {
    return String.join("\n\n", texts);
  }

  private String flipped() {
    return CurveClaims.labels(plan.flips());
  }

  private void charts(String file, String title, CleanAndNoisy both) {
    String clean = title + ": gold of the best of n, clean labels";
    String noisy =
        String.format(
            Locale.ROOT, "%s: gold of the best of n, %.0f %% flipped", title, 100 * plan.flips());
    charts.add(new Chart(file + "-clean.svg", clean, CurveTables.chart(clean, both.clean())));
    charts.add(new Chart(file + "-flipped.svg", noisy, CurveTables.chart(noisy, both.noisy())));
  }
}
