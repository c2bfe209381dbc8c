package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.flow.ComparisonResult.Arm;
import io.ballast.standalone.demo.flow.DemoSeeds.Purpose;
import io.ballast.standalone.demo.measure.ClusteredRatio;
import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Interval;
import io.ballast.standalone.demo.measure.Judge.Asked;
import io.ballast.standalone.demo.measure.Judged;
import io.ballast.standalone.demo.measure.Proxies;
import io.ballast.standalone.demo.measure.Reliability;
import io.ballast.standalone.demo.measure.Reliability.Prediction;
import io.ballast.standalone.demo.measure.View;
import io.ballast.standalone.demo.mesh.Content;
import io.ballast.standalone.demo.mesh.JudgedPair;
import io.ballast.standalone.demo.mesh.Score;
import io.ballast.standalone.demo.mesh.SuggestQuestion;
import io.ballast.standalone.demo.mesh.Suggestion;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.Position;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Future;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Lets the version before and both candidates answer at the same fresh positions, with the same
 * seeds, at the serving temperature, and has the true files judge.
 *
 * <p>The gate is asked in shadow, so that one draw shows both what the model wrote and what a
 * person would have seen. Costs are not asked for on the way, for a text that the cost blocks would
 * be hidden from the judge.
 */
final class ComparisonStep {
  private static final int JUDGED_AT_A_TIME = 64;
  private static final int POSITIONS_A_CALL = 32;
  private static final int CALLS_AT_A_TIME = 2;
  private static final int RELIABILITY_BINS = 8;
  private static final String USER = "demo-comparison";

  private final DemoContext demo;
  private final List<Position> positions;
  private final List<SourceFile> files;

  ComparisonStep(DemoContext demo) {
    this.demo = demo;
    this.positions = demo.sets().comparison();
    this.files = positions.stream().map(Position::file).toList();
  }

  /** One version's answers: shape [positions][draws]. */
  private record Answers(List<List<Suggestion>> suggestions, List<List<Judged>> judged) {}

  /** One version's answers, still being judged while the next version is asked. */
  private record Asking(List<Suggestion> flat, List<Future<List<Judged>>> judging) {
    Answers await(int draws) {
      List<Judged> judged =
          judging.stream().map(ParallelCalls::await).flatMap(List::stream).toList();
      return new Answers(RankingStep.chunks(flat, draws), RankingStep.chunks(judged, draws));
    }
  }

  ComparisonResult run(Map<Arm, String> versions) {
    demo.screen()
        .step(
            "%,d fresh positions, %d draws each: old and new answer the same, the files judge"
                .formatted(positions.size(), demo.plan().draws()));
    Map<Arm, Asking> asked = new EnumMap<>(Arm.class);
    versions.forEach((arm, version) -> asked.put(arm, ask(arm, version)));
    Map<Arm, Answers> answers = new EnumMap<>(Arm.class);
    asked.forEach((arm, asking) -> answers.put(arm, asking.await(demo.plan().draws())));
    Map<Arm, Proxies> proxies = judgeByProxies(answers);
    List<List<Judged>> before = judged(answers, Arm.BEFORE);
    List<List<Judged>> constrained = judged(answers, Arm.CONSTRAINED);
    return new ComparisonResult(
        positions.size(),
        (int) files.stream().distinct().count(),
        Comparison.of(before, constrained, files, View.GATE_IN_FORCE),
        Comparison.of(before, constrained, files, View.AS_WRITTEN),
        Comparison.of(before, judged(answers, Arm.REWARD_ONLY), files, View.AS_WRITTEN),
        proxies,
        gate(answersOf(answers, Arm.BEFORE)));
  }

  private static Answers answersOf(Map<Arm, Answers> answers, Arm arm) {
    Answers of = answers.get(arm);
    if (of == null) {
      throw new IllegalArgumentException(arm + ": no version (expected: one for each arm)");
    }
    return of;
  }

  private static List<List<Judged>> judged(Map<Arm, Answers> answers, Arm arm) {
    return answersOf(answers, arm).judged();
  }

  /** One question: position and draw. */
  private record Place(int position, int draw) {}

  private Asking ask(Arm arm, String version) {
    int draws = demo.plan().draws();
    List<Place> places =
        IntStream.range(0, positions.size() * draws)
            .mapToObj(i -> new Place(i / draws, i % draws))
            .toList();
    List<Suggestion> flat =
        ParallelCalls.map(
            places,
            DemoPlan.CALLS_AT_A_TIME,
            place -> demo.calls().suggest(question(version, place)),
            done ->
                demo.screen().progress(arm.title() + " (" + version + ")", done, places.size()));
    List<Asked> toJudge = new ArrayList<>();
    for (int i = 0; i < flat.size(); i++) {
      Suggestion suggestion = flat.get(i);
      boolean shown = !suggestion.gateWithholds() && !suggestion.text().isEmpty();
      toJudge.add(new Asked(positions.get(i / draws), suggestion.text(), shown));
    }
    return new Asking(
        flat,
        RankingStep.chunks(toJudge, JUDGED_AT_A_TIME).stream().map(demo.judge()::judge).toList());
  }

  private SuggestQuestion question(String version, Place place) {
    return new SuggestQuestion(
        version,
        demo.prompts().toSuggest(positions.get(place.position())),
        demo.seeds().at(Purpose.COMPARISON, place.position(), place.draw()),
        false,
        false,
        USER);
  }

  /** Has the learned judges look at the first draw of each position. */
  private Map<Arm, Proxies> judgeByProxies(Map<Arm, Answers> answers) {
    List<Arm> arms = List.copyOf(answers.keySet());
    List<List<Integer>> chunks =
        RankingStep.chunks(IntStream.range(0, positions.size()).boxed().toList(), POSITIONS_A_CALL);
    List<Map<Arm, List<Verdict>>> verdicts =
        ParallelCalls.map(
            chunks,
            CALLS_AT_A_TIME,
            chunk -> verdicts(chunk, arms, answers),
            done -> demo.screen().progress("rewards and costs of them", done, chunks.size()));
    Map<Arm, Proxies> proxies = new EnumMap<>(Arm.class);
    for (Arm arm : arms) {
      List<Verdict> all =
          verdicts.stream().flatMap(chunk -> chunk.getOrDefault(arm, List.of()).stream()).toList();
      List<Judged> first = judged(answers, arm).stream().map(List::getFirst).toList();
      proxies.put(
          arm,
          new Proxies(
              mean(all.stream().map(Verdict::reward).toList()),
              mean(all.stream().map(Verdict::cost).toList()),
              mean(first, j -> j.judgement().charactersSaved() > 0 ? 100 : 0),
              mean(first, j -> j.breaks() ? 100 : 0),
              mean(first, j -> j.judgement().charactersKept()),
              mean(first, j -> j.text().length())));
    }
    return proxies;
  }

  /** What the learned judges say of one suggestion; empty where they could not. */
  private record Verdict(OptionalDouble reward, OptionalDouble cost) {}

  /** Judges the versions' suggestions side by side: those of one prompt share its computation. */
  private Map<Arm, List<Verdict>> verdicts(
      List<Integer> chunk, List<Arm> arms, Map<Arm, Answers> answers) {
    List<JudgedPair> pairs = new ArrayList<>();
    for (int i : chunk) {
      Content prompt = demo.prompts().toJudge(positions.get(i));
      for (Arm arm : arms) {
        String text = answersOf(answers, arm).suggestions().get(i).getFirst().text();
        if (!text.isEmpty()) {
          pairs.add(new JudgedPair(prompt, new Content.Text(text)));
        }
      }
    }
    List<Optional<Score>> scores = pairs.isEmpty() ? List.of() : demo.calls().score(pairs);
    List<OptionalDouble> costs = pairs.isEmpty() ? List.of() : demo.calls().cost(pairs);
    Map<Arm, List<Verdict>> verdicts = new EnumMap<>(Arm.class);
    int next = 0;
    for (int i : chunk) {
      for (Arm arm : arms) {
        boolean empty = answersOf(answers, arm).suggestions().get(i).getFirst().text().isEmpty();
        Verdict verdict =
            empty
                ? new Verdict(OptionalDouble.empty(), OptionalDouble.empty())
                : new Verdict(
                    scores.get(next).map(s -> OptionalDouble.of(s.value())).orElse(NONE),
                    costs.get(next));
        next += empty ? 0 : 1;
        verdicts.computeIfAbsent(arm, _ -> new ArrayList<>()).add(verdict);
      }
    }
    return verdicts;
  }

  private static final OptionalDouble NONE = OptionalDouble.empty();

  private Interval mean(List<Judged> judged, ToDoubleFunction<Judged> of) {
    return ClusteredRatio.mean(judged.stream().mapToDouble(of).toArray(), files);
  }

  /** The mean of the numbers that are there; 0 with no width if there is none. */
  private Interval mean(List<OptionalDouble> values) {
    return ClusteredRatio.ratio(
            values.stream().mapToDouble(v -> v.orElse(0)).toArray(),
            values.stream().mapToDouble(v -> v.isPresent() ? 1 : 0).toArray(),
            files)
        .orElse(new Interval(0, 0, 0));
  }

  /** The gate was trained on what is kept: accepted, or a right beginning of it. */
  private static Reliability gate(Answers before) {
    List<Prediction> predictions = new ArrayList<>();
    for (int i = 0; i < before.suggestions().size(); i++) {
      for (int d = 0; d < before.suggestions().get(i).size(); d++) {
        Judged judged = before.judged().get(i).get(d);
        before
            .suggestions()
            .get(i)
            .get(d)
            .stageTwoProbability()
            .ifPresent(
                p ->
                    predictions.add(
                        new Prediction(p, judged.judgement().outcome() != Outcome.REJECTED)));
      }
    }
    return Reliability.of(predictions, RELIABILITY_BINS);
  }
}
