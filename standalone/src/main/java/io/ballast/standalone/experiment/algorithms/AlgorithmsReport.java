package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.bound.Interval;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentReport.Chart;
import io.ballast.standalone.experiment.ExperimentReport.Section;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** What the curves say, in claims, a ranking and a figure. */
final class AlgorithmsReport {
  private static final String OURS = "the demo's task, our budget";

  /** Whose gain is claimed beforehand. */
  private static final List<Algorithm> CLAIMED =
      List.of(Algorithm.PPO, Algorithm.GRPO, Algorithm.DPO);

  private static final Set<Algorithm> COMPARING =
      Set.of(
          Algorithm.ONLINE_DPO,
          Algorithm.CDPO,
          Algorithm.RDPO,
          Algorithm.IPO,
          Algorithm.SLIC_HF,
          Algorithm.SIMPO,
          Algorithm.ORPO,
          Algorithm.XPO,
          Algorithm.KTO);

  private final AlgorithmsPlan plan;
  private final Start start;
  private final Map<Algorithm, List<LearningCurve>> curves;
  private final List<Standing> standings;

  private AlgorithmsReport(
      AlgorithmsPlan plan, Start start, Map<Algorithm, List<LearningCurve>> curves) {
    this.plan = plan;
    this.start = start;
    this.curves = curves;
    Map<Algorithm, List<Gold>> finals = new EnumMap<>(Algorithm.class);
    curves.forEach(
        (algorithm, own) -> {
          if (failed(own).isEmpty()) {
            finals.put(algorithm, own.stream().map(LearningCurve::gold).toList());
          }
        });
    this.standings = Standing.of(finals, start);
  }

  /**
   * Returns the report.
   *
   * @param start gold of the weights that all began with
   * @param curves of each algorithm, seed by seed
   */
  static ExperimentReport of(
      AlgorithmsPlan plan, Start start, Map<Algorithm, List<LearningCurve>> curves) {
    return new AlgorithmsReport(plan, start, curves).report();
  }

  private ExperimentReport report() {
    List<Section> sections = new ArrayList<>();
    sections.add(ranking());
    List<LearningCurve> all = curves.values().stream().flatMap(List::stream).toList();
    if (!failed(all).isEmpty()) {
      sections.add(failures(failed(all)));
    }
    List<LearningCurve> under = all.stream().filter(this::underBudget).toList();
    if (!under.isEmpty()) {
      sections.add(under(under));
    }
    return new ExperimentReport(
        claims(),
        sections,
        List.of(
            new Chart(
                "algorithms.svg",
                "gold on held-out prompts over completion tokens, mean over seeds with its 95 %"
                    + " interval; dashed: the start",
                CurvePanels.of(start.gold().estimate(), standings, means()))));
  }

  private Map<Algorithm, MeanCurve> means() {
    Map<Algorithm, MeanCurve> means = new EnumMap<>(Algorithm.class);
    standings.forEach(
        standing ->
            means.put(
                standing.algorithm(), MeanCurve.of(start.gold(), runs(standing.algorithm()))));
    return means;
  }

  private List<LearningCurve> runs(Algorithm algorithm) {
    return Objects.requireNonNull(curves.get(algorithm));
  }

  private static List<LearningCurve> failed(List<LearningCurve> curves) {
    return curves.stream().filter(curve -> !curve.complete()).toList();
  }

  private boolean underBudget(LearningCurve curve) {
    return curve.complete() && curve.spent().tokens() < plan.tokens();
  }

  /** Of those that ran: two each, since an interval over seeds says nothing of other files. */
  private List<Claim> claims() {
    List<Claim> claims = new ArrayList<>();
    for (Algorithm algorithm : CLAIMED) {
      if (curves.containsKey(algorithm)) {
        claims.add(claim(algorithm, "run seeds", Standing::gain));
        claims.add(claim(algorithm, "files of the held-out positions", Standing::gainOverFiles));
      }
    }
    return claims;
  }

  private Claim claim(Algorithm algorithm, String over, Function<Standing, Interval> gain) {
    String words =
        "%s beats the start: gain of gold on held-out prompts (characters kept a suggestion), interval over %s"
            .formatted(algorithm, over);
    String source = algorithm.paper() + "; " + OURS;
    Rule rule = Rule.above(0);
    return standings.stream()
        .filter(standing -> standing.algorithm() == algorithm)
        .findFirst()
        .map(standing -> Claim.of(words, source, gain.apply(standing), rule))
        .orElseGet(
            () ->
                Claim.notMeasured(
                    words,
                    source,
                    rule,
                    failed(runs(algorithm)).stream()
                        .map(AlgorithmsReport::failure)
                        .collect(Collectors.joining("; "))));
  }

  private Section ranking() {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                """
                Each algorithm began with the same weights, learned from the same rewards with a rate \
                of %s and a budget of %,d completion tokens, %d seeds each. Gold is what the simulated \
                programmer keeps of a suggestion, in characters, at %,d held-out positions in %,d files \
                with %d suggestions each; the start has %s.

                Intervals are of 95 %%. That of gold is Student's over seeds. The gain over the start is \
                a paired difference: the start is measured once for each seed, by that seed's own draws. \
                Its first interval is Student's over seeds (prompts, samples, and the draws of both \
                measurements; not other positions); its second is over files of the positions, with each \
                position's mean over seeds and files as clusters (other files; not other seeds). Places \
                are those that paired comparisons over seeds leave open, one comparison at a time: of \
                many comparisons some are wrong.

                This ranks defaults at this budget, not algorithms at their best: the rate is one for \
                all, the KL of REINFORCE, ReMax and PPO and DAPO's penalty are our choice for \
                completions of a few tokens, and with one update an iteration every ratio is 1, so that \
                clips do nothing. %s%s%sTokens and iterations are means over seeds of what was really \
                sampled: a run ends with the first iteration that reaches its budget.

                | places | algorithm | gold | gain, over seeds | gain, over files | tokens | iterations |
                |---|---|---|---|---|---|---|
                """,
                plan.learningRate(),
                plan.tokens(),
                plan.seeds(),
                start.files().size(),
                start.filesCount(),
                plan.draws(),
                shown("%.3f (%.3f to %.3f)", start.gold()),
                rounds(),
                comparing(),
                offline()));
    for (Standing standing : standings) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s | %s | %,.0f | %.1f |%n",
              standing.places(),
              standing.algorithm(),
              shown("%.3f (%.3f to %.3f)", standing.gold()),
              shown("%+.3f (%+.3f to %+.3f)", standing.gain()),
              shown("%+.3f (%+.3f to %+.3f)", standing.gainOverFiles()),
              mean(standing.algorithm(), LearningCurve.Spent::tokens),
              mean(standing.algorithm(), LearningCurve.Spent::iterations)));
    }
    return new Section("Ranking by the last weights' gold", text.toString());
  }

  private String rounds() {
    return curves.containsKey(Algorithm.DAPO)
        ? "DAPO samples further prompts until its batch is full: a seed begins with the same prompts"
            + " for all, and DAPO is then ahead of the others' order. "
        : "";
  }

  /** What those do that are published for pairs that are there before. */
  private String comparing() {
    String names =
        curves.keySet().stream()
            .filter(COMPARING::contains)
            .map(Algorithm::name)
            .collect(Collectors.joining(", "));
    return names.isEmpty() ? "" : "Of %s each compares what it samples itself. ".formatted(names);
  }

  private String offline() {
    if (!curves.containsKey(Algorithm.DPO)) {
      return "";
    }
    return String.format(
        Locale.ROOT,
        """
        DPO is as it was published, on pairs that are there before: for each seed the start's own \
        completions of the prompts that the seed's runs begin with, as many tokens as the budget, \
        the best and the worst of each prompt's %d by the same reward (equal ones, empty ones and \
        those that were cut off are in no pair); then as many updates of %d pairs as it took \
        iterations to sample them. Its curve counts the tokens of all pairs by the share of its \
        updates that are done%s.\s""",
        plan.completions(),
        plan.prompts(),
        pairs());
  }

  /** How much was there before, seed by seed. */
  private String pairs() {
    String made =
        runs(Algorithm.DPO).stream()
            .map(curve -> curve.spent().from())
            .filter(from -> !from.isEmpty())
            .collect(Collectors.joining("; "));
    return made.isEmpty() ? "" : " (by seed: " + made + ")";
  }

  private double mean(Algorithm algorithm, ToLongFunction<LearningCurve.Spent> what) {
    return runs(algorithm).stream()
        .map(LearningCurve::spent)
        .mapToLong(what)
        .average()
        .orElseThrow();
  }

  private static String shown(String format, Interval interval) {
    return String.format(Locale.ROOT, format, interval.estimate(), interval.low(), interval.high());
  }

  private static Section failures(List<LearningCurve> failed) {
    StringBuilder text =
        new StringBuilder(
            "An algorithm of which a run ended without weights is not ranked. The same command tries"
                + " these runs again.\n\n");
    failed.forEach(curve -> text.append("- ").append(failure(curve)).append('\n'));
    return new Section("Runs that failed", text.toString());
  }

  private static String failure(LearningCurve curve) {
    return String.format(
        Locale.ROOT,
        "%s, seed %d, after %d iterations and %,d tokens: %s",
        curve.algorithm(),
        curve.seed(),
        curve.spent().iterations(),
        curve.spent().tokens(),
        oneLine(curve.failure()));
  }

  /** A reason is a line of a list and a cell of a table. */
  private static String oneLine(String reason) {
    return reason.strip().replaceAll("\\s+", " ");
  }

  private static Section under(List<LearningCurve> under) {
    StringBuilder text = new StringBuilder("They are ranked as they are.\n\n");
    for (LearningCurve curve : under) {
      text.append(
          String.format(
              Locale.ROOT,
              "- %s, seed %d: %,d tokens in %d iterations%s%n",
              curve.algorithm(),
              curve.seed(),
              curve.spent().tokens(),
              curve.spent().iterations(),
              curve.spent().reason().isEmpty()
                  ? ", the most that a run may have"
                  : "; " + oneLine(curve.spent().reason())));
    }
    return new Section("Runs that ended below their budget", text.toString());
  }
}
