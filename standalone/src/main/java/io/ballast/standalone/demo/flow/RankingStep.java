package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.flow.DemoSeeds.Purpose;
import io.ballast.standalone.demo.measure.Judge.Asked;
import io.ballast.standalone.demo.measure.Judged;
import io.ballast.standalone.demo.measure.Ranking;
import io.ballast.standalone.demo.mesh.Completions;
import io.ballast.standalone.demo.mesh.Completions.Completion;
import io.ballast.standalone.demo.mesh.Content;
import io.ballast.standalone.demo.mesh.JudgedPair;
import io.ballast.standalone.demo.mesh.Score;
import io.ballast.standalone.demo.mesh.TokenLimits;
import io.ballast.workshop.programmer.Position;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Measures, before anything is learned, how well the served reward and cost order completions of
 * one prompt: a reward that cannot do this is hacked, not maximised.
 */
final class RankingStep {
  private static final int PROMPTS_A_CALL = 16;
  private static final int CALLS_AT_A_TIME = 2;
  private static final String WORTH = "characters of the right beginning";
  private static final String HARM = "the file still parses";

  private final DemoContext demo;
  private final String version;

  RankingStep(DemoContext demo, String version) {
    this.demo = demo;
    this.version = version;
  }

  /** A completion with everything that may order it. */
  private record Sampled(
      Position position, Completion completion, Judged judged, Score score, double cost) {
    double sumLogProb() {
      return completion.logProbs().stream().mapToDouble(Float::doubleValue).sum();
    }

    double meanLogProb() {
      return sumLogProb() / Math.max(1, completion.logProbs().size());
    }
  }

  List<RankingRow> run() {
    List<Position> positions = demo.sets().ranking();
    demo.screen()
        .step(
            "Can the rewards tell good from bad? %,d prompts, %d samples each, against the truth"
                .formatted(positions.size(), DemoPlan.RANKING_SAMPLES));
    List<List<Position>> chunks = chunks(positions, PROMPTS_A_CALL);
    List<List<List<Sampled>>> sampled =
        ParallelCalls.map(
            chunks,
            CALLS_AT_A_TIME,
            chunk -> sample(chunk, chunks.indexOf(chunk)),
            done ->
                demo.screen()
                    .progress(
                        "prompts",
                        Math.min(done * PROMPTS_A_CALL, positions.size()),
                        positions.size()));
    List<List<Sampled>> groups = sampled.stream().flatMap(List::stream).toList();
    List<RankingRow> rows =
        List.of(
            row("reward as served (worst of five)", WORTH, true, groups, s -> s.score().value()),
            row("mean of the five members", WORTH, false, groups, s -> s.score().mean()),
            row("mean log-probability", WORTH, false, groups, Sampled::meanLogProb),
            row("summed log-probability", WORTH, false, groups, Sampled::sumLogProb),
            row("length", WORTH, false, groups, s -> s.completion().text().length()),
            row("cost as served", HARM, true, groups, s -> -s.cost()),
            row("mean log-probability", HARM, false, groups, Sampled::meanLogProb));
    rows.forEach(row -> demo.screen().say("         " + show(row)));
    return rows;
  }

  private List<List<Sampled>> sample(List<Position> positions, int chunk) {
    List<Optional<Completions>> answers =
        demo.calls()
            .sample(
                version,
                positions.stream().map(demo.prompts()::toSuggest).toList(),
                DemoPlan.RANKING_SAMPLES,
                TokenLimits.SERVING,
                demo.seeds().at(Purpose.RANKING, chunk, 0));
    List<Position> of = new ArrayList<>();
    List<Completion> completions = new ArrayList<>();
    List<JudgedPair> pairs = new ArrayList<>();
    for (int i = 0; i < positions.size(); i++) {
      Position position = positions.get(i);
      answers
          .get(i)
          .ifPresent(
              group ->
                  group.completions().stream()
                      .filter(completion -> !completion.text().isEmpty())
                      .forEach(
                          completion -> {
                            of.add(position);
                            completions.add(completion);
                            pairs.add(
                                new JudgedPair(
                                    new Content.Tokens(group.promptTokens()),
                                    new Content.Tokens(completion.tokens())));
                          }));
    }
    if (pairs.isEmpty()) {
      return List.of();
    }
    List<Asked> asked = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      asked.add(new Asked(of.get(i), completions.get(i).text(), true));
    }
    Future<List<Judged>> judging = demo.judge().judge(asked);
    List<Optional<Score>> scores = demo.calls().score(pairs);
    List<OptionalDouble> costs = demo.calls().cost(pairs);
    List<Judged> judged = ParallelCalls.await(judging);
    List<List<Sampled>> groups = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      if (i == 0 || !of.get(i).equals(of.get(i - 1))) {
        groups.add(new ArrayList<>());
      }
      if (scores.get(i).isPresent() && costs.get(i).isPresent()) {
        groups
            .getLast()
            .add(
                new Sampled(
                    of.get(i),
                    completions.get(i),
                    judged.get(i),
                    scores.get(i).orElseThrow(),
                    costs.get(i).orElseThrow()));
      }
    }
    return groups;
  }

  private static RankingRow row(
      String scorer,
      String truth,
      boolean served,
      List<List<Sampled>> groups,
      ToDoubleFunction<Sampled> score) {
    Function<Sampled, Double> worth =
        truth.equals(WORTH)
            ? s -> (double) s.judged().judgement().charactersKept()
            : s -> s.judged().breaks() ? 0.0 : 1.0;
    List<Ranking.Group> ranked =
        groups.stream()
            .filter(group -> !group.isEmpty())
            .map(
                group ->
                    new Ranking.Group(
                        group.getFirst().position().file(),
                        group.stream().map(worth).toList(),
                        group.stream().map(s -> score.applyAsDouble(s)).toList()))
            .toList();
    return new RankingRow(scorer, truth, served, Ranking.accuracy(ranked));
  }

  /** Returns one row for the terminal. */
  static String show(RankingRow row) {
    String accuracy =
        row.accuracy()
            .map(
                a ->
                    String.format(
                        Locale.ROOT,
                        "%.3f [%.3f, %.3f]",
                        a.share().value(),
                        a.share().low(),
                        a.share().high()))
            .orElse("no pair to judge by");
    return String.format(
        Locale.ROOT,
        "%s %-34s %s by %s",
        row.served() ? "●" : "○",
        row.scorer(),
        accuracy,
        row.truth());
  }

  static <T> List<List<T>> chunks(List<T> items, int size) {
    List<List<T>> chunks = new ArrayList<>();
    for (int from = 0; from < items.size(); from += size) {
      chunks.add(items.subList(from, Math.min(items.size(), from + size)));
    }
    return chunks;
  }
}
