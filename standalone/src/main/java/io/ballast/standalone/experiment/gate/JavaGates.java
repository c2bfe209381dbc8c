package io.ballast.standalone.experiment.gate;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.rl.bandit.LoggedDecision;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gatefit.CandidateGate;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.standalone.demo.position.CorpusSources;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.workshop.collect.DrawShape;
import io.ballast.workshop.collect.LabelCollector;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.gate.FileSession;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import io.ballast.workshop.scoring.LabelledGroup;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * What the committed gates do to suggestions that the simulated programmer gets in files of
 * artefacts that trained nothing, one suggestion a position; and what stage 2 says of the
 * beginnings of those that were accepted whole.
 *
 * @param gate its version
 * @param positions how many suggestions
 * @param files in how many files
 * @param hidden the share that is hidden, by file
 * @param rejectedOfHidden of those, the share that the programmer rejects, by file
 * @param acceptedOfAll the share that is accepted whole
 * @param wholeIsBest of those accepted whole, in what share no beginning has a higher accept score
 * @param bestAt of the same, where the highest score is: tenths of the length
 */
record JavaGates(
    String gate,
    int positions,
    int files,
    Interval hidden,
    OffPolicyEstimate rejectedOfHidden,
    double acceptedOfAll,
    Interval wholeIsBest,
    List<Integer> bestAt) {
  private static final String CONTEXT = "java-gate-context";
  private static final String SUGGESTION = "java-gate-suggestion";
  private static final int POSITIONS = 1_600;
  private static final int PER_FILE = 8;
  private static final int TENTHS = 10;
  private static final double CONFIDENCE = 0.95;
  private static final long SEED = 31;

  /** Copies the list. */
  JavaGates {
    bestAt = List.copyOf(bestAt);
  }

  /** Draws suggestions and asks both versions of each. */
  static List<JavaGates> measure(ExperimentSetting setting, String older, String newer)
      throws IOException {
    CorpusSources sources = new CorpusSources(setting.home(), Path.of("mvn"));
    if (!sources.present()) {
      setting.progress().say("fetching held-out and preference sources with Maven");
      sources.fetch();
    }
    Path models = setting.home().resolve("models");
    FolderGates gates = new FolderGates(List.of(models));
    TorchRuntime.setThreads(1);
    try (AcceptModel olderOne = gates.open(CONTEXT, older);
        AcceptModel olderTwo = gates.open(SUGGESTION, older);
        AcceptModel newerOne = gates.open(CONTEXT, newer);
        AcceptModel newerTwo = gates.open(SUGGESTION, newer);
        TorchDecoder decoder =
            TorchDecoder.load(models.resolve("java-tiny/1"), ServingOptions.defaults());
        LabelCollector collector =
            new LabelCollector(
                decoder, new LabelCollector.Plan(1, List.of(DrawShape.SERVING), 0, SEED, 1))) {
      List<Position> positions;
      try (ParseCheck parseCheck = new ParseCheck()) {
        positions =
            new Positions(Cursor.tokenBoundaries(decoder.tokenizer()), parseCheck)
                .draw(CorpusPart.COMPARISON.files(sources.read(1)), POSITIONS, PER_FILE, random());
      }
      ExperimentProgress.Step step =
          setting
              .progress()
              .step(
                  "drawing suggestions for the simulated programmer",
                  "positions",
                  positions.size());
      Tally ofOlder =
          new Tally(new CandidateGate(olderOne, olderTwo), olderTwo, decoder.tokenizer());
      Tally ofNewer =
          new Tally(new CandidateGate(newerOne, newerTwo), newerTwo, decoder.tokenizer());
      collector.collect(
          positions,
          group -> {
            ofOlder.add(group);
            ofNewer.add(group);
            step.done(1);
          });
      return List.of(ofOlder.sum(older), ofNewer.sum(newer));
    }
  }

  private static RandomGenerator random() {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
  }

  /** What was found so far. */
  private static final class Tally {
    private final CandidateGate gate;
    private final AcceptModel two;
    private final Tokenizer tokenizer;
    private final RandomGenerator random = random();
    private final Map<String, FileSession> sessions = new HashMap<>();
    private final List<String> files = new ArrayList<>();
    private final List<Boolean> hidden = new ArrayList<>();
    private final List<Boolean> rejected = new ArrayList<>();
    private int accepted;
    private final List<String> filesOfWhole = new ArrayList<>();
    private final List<Double> best = new ArrayList<>();

    Tally(CandidateGate gate, AcceptModel two, Tokenizer tokenizer) {
      this.gate = gate;
      this.two = two;
      this.tokenizer = tokenizer;
    }

    void add(LabelledGroup group) {
      LabelledCompletion completion = group.completions().getFirst();
      Drawn drawn = completion.drawn().orElseThrow();
      if (drawn.text().isBlank()) {
        return;
      }
      FileSession session = sessions.computeIfAbsent(group.file(), file -> new FileSession(random));
      GateContext place = new GateContext(group.promptText(), session.past());
      session.answered(List.of(drawn));
      boolean kept = drawn.outcome() != Outcome.REJECTED;
      files.add(group.file());
      hidden.add(gate.at(logged(group.file(), place, drawn, kept)).shows().orElse(1) < 1);
      rejected.add(!kept);
      if (drawn.outcome() == Outcome.ACCEPTED) {
        accepted++;
        scoreBeginnings(group.file(), place, completion, drawn);
      }
    }

    private static LoggedSuggestion logged(
        String file, GateContext place, Drawn drawn, boolean kept) {
      return new LoggedSuggestion(
          "simulated",
          file,
          place,
          Optional.of(
              new GateSuggestion(drawn.text(), drawn.logProbs(), Optional.of(drawn.stopReason()))),
          true,
          Optional.of(kept),
          1,
          Instant.EPOCH,
          LoggedSuggestion.Said.nothing());
    }

    /** Each beginning of at least one visible character, as if it had ended there by itself. */
    private void scoreBeginnings(
        String file, GateContext place, LabelledCompletion completion, Drawn drawn) {
      int tokens = completion.tokens().size();
      int healed = tokenizer.decode(completion.tokens()).indexOf(drawn.text());
      double highest = Double.NEGATIVE_INFINITY;
      int at = 0;
      int scored = 0;
      for (int t = 1; t <= tokens && healed >= 0; t++) {
        String text = tokenizer.decode(completion.tokens().slice(0, t));
        String begun = text.length() <= healed ? "" : text.substring(healed);
        String shown = begun.length() < drawn.text().length() ? begun : drawn.text();
        if (shown.isBlank()) {
          continue;
        }
        double score = score(place, shown, drawn, t);
        scored++;
        if (score >= highest) {
          highest = score;
          at = shown.length();
        }
      }
      if (scored > 1) {
        filesOfWhole.add(file);
        best.add((double) at / drawn.text().length());
      }
    }

    private double score(GateContext place, String text, Drawn drawn, int tokens) {
      float[] all = drawn.logProbs().toArray();
      float[] logProbs = new float[tokens];
      System.arraycopy(all, 0, logProbs, 0, tokens);
      float[] features =
          GateFeatures.suggestion(
              two.spec().featureSet(),
              place,
              new GateSuggestion(text, PerToken.of(logProbs), Optional.of(drawn.stopReason())));
      return two.spec().calibration().probability(two.logOdds(features));
    }

    JavaGates sum(String version) {
      double[] away = new double[files.size()];
      List<LoggedDecision> ofHidden = new ArrayList<>();
      for (int i = 0; i < away.length; i++) {
        away[i] = hidden.get(i) ? 1 : 0;
        ofHidden.add(LoggedDecision.unmodelled(files.get(i), 1, rejected.get(i) ? 1 : 0, away[i]));
      }
      int[] tenths = new int[TENTHS];
      for (double place : best) {
        tenths[Math.min(TENTHS - 1, (int) Math.ceil(place * TENTHS) - 1)]++;
      }
      return new JavaGates(
          version,
          away.length,
          (int) files.stream().distinct().count(),
          MeanIntervals.clusteredMean(away, files, CONFIDENCE),
          new OffPolicy(30, CONFIDENCE).selfNormalised(ofHidden),
          (double) accepted / away.length,
          MeanIntervals.clusteredMean(
              best.stream().mapToDouble(place -> place == 1 ? 1 : 0).toArray(),
              filesOfWhole,
              CONFIDENCE),
          Arrays.stream(tenths).boxed().toList());
    }
  }
}
