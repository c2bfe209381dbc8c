package io.ballast.standalone.experiment.ensembles;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.kit.call.Texts;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import io.ballast.training.scoring.LabelFlips;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.TrainedMembers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.zip.GZIPInputStream;

/**
 * Pairs of answers that people judged. Members learn from one person's vote on each pair of some
 * prompts; gold, on other prompts, is what the other people agree on, or the only vote where there
 * is one. With two answers there is no best of many: the measure is how often the proxy reward
 * prefers what people prefer.
 */
final class PreferencePairs {
  /** A set of pairs. */
  enum Source {
    /** 999 pairs with three votes each. */
    PANDALM(
        "PandaLM",
        Path.of("prefs", "pandalm_3annotators.jsonl.gz"),
        "WeOpenML/PandaLM, Apache-2.0"),
    /** 2,312 pairs with one. */
    HARMLESS(
        "HH harmless", Path.of("prefs", "hh_harmless_test.jsonl.gz"), "anthropics/hh-rlhf, MIT");

    private final String label;
    private final Path file;
    private final String attribution;

    Source(String label, Path file, String attribution) {
      this.label = label;
      this.file = file;
      this.attribution = attribution;
    }

    /** As claims call it. */
    String label() {
      return label;
    }

    /** Below the folder of real judgements. */
    Path file() {
      return file;
    }

    /** Whose it is. */
    String attribution() {
      return attribution;
    }

    private Pair pair(JsonNode row) {
      return switch (this) {
        case PANDALM ->
            new Pair(
                text(row, "prompt"),
                text(row, "response_a"),
                text(row, "response_b"),
                votes(row.path("annotators")));
        case HARMLESS ->
            new Pair(text(row, "prompt"), text(row, "chosen"), text(row, "rejected"), List.of(1));
      };
    }
  }

  private static final int PROMPT_CHARACTERS = 300;
  private static final int ANSWER_CHARACTERS = 500;
  private static final int MOST_PAIRS = 1_000;
  private static final int PAIRS_AT_A_TIME = 32;
  private static final int TEST_PERCENT = 50;
  private static final TokenIds NO_TOKENS = TokenIds.of();
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<Pair> pairs;
  private final List<List<FeatureVector>> features;
  private final EnsemblesPlan plan;

  private PreferencePairs(
      List<Pair> pairs, List<List<FeatureVector>> features, EnsemblesPlan plan) {
    this.pairs = pairs;
    this.features = features;
    this.plan = plan;
  }

  /**
   * Two answers.
   *
   * @param votes 1: the first is better, −1: the second, 0: neither; at least one
   */
  private record Pair(String prompt, String first, String second, List<Integer> votes) {
    Pair {
      votes = List.copyOf(votes);
    }

    List<String> texts() {
      String question = prompt.substring(Math.max(0, prompt.length() - PROMPT_CHARACTERS));
      return List.of(question + "\n" + begin(first), question + "\n" + begin(second));
    }

    private static String begin(String answer) {
      return answer.substring(0, Math.min(answer.length(), ANSWER_CHARACTERS));
    }

    /** What people other than the teacher agree on; 0: nothing. */
    int gold(int teacher) {
      if (votes.size() == 1) {
        return votes.getFirst();
      }
      List<Integer> others = new ArrayList<>(votes);
      others.remove(/* index */ teacher);
      return others.stream().distinct().count() == 1 ? others.getFirst() : 0;
    }
  }

  /** Reads the pairs of a source and encodes their answers; pairs that cannot be are left out. */
  static PreferencePairs read(
      Source source,
      Path file,
      OnnxEncoder encoder,
      EnsemblesPlan plan,
      ExperimentProgress progress)
      throws IOException {
    List<Pair> all = rows(source, file, progress);
    List<Pair> rows = all.subList(0, Math.min(MOST_PAIRS, all.size()));
    List<Pair> pairs = new ArrayList<>();
    List<List<FeatureVector>> features = new ArrayList<>();
    ExperimentProgress.Step step =
        progress.step("encoding pairs of " + source.label(), "pairs", rows.size());
    for (int from = 0; from < rows.size(); from += PAIRS_AT_A_TIME) {
      List<Pair> some = rows.subList(from, Math.min(rows.size(), from + PAIRS_AT_A_TIME));
      List<EncodingOutcome> outcomes =
          encoder.encode(some.stream().flatMap(pair -> pair.texts().stream()).toList());
      for (int i = 0; i < some.size(); i++) {
        if (outcomes.get(2 * i) instanceof EncodingOutcome.Encoded first
            && outcomes.get(2 * i + 1) instanceof EncodingOutcome.Encoded second) {
          pairs.add(some.get(i));
          features.add(List.of(first.values(), second.values()));
        }
      }
      step.done(some.size());
    }
    return new PreferencePairs(pairs, features, plan);
  }

  private static List<Pair> rows(Source source, Path file, ExperimentProgress progress)
      throws IOException {
    List<Pair> rows = new ArrayList<>();
    List<String> bad = new ArrayList<>();
    int number = 0;
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        try {
          rows.add(source.pair(JSON.readTree(line)));
        } catch (IllegalArgumentException e) {
          bad.add("row %,d: %s".formatted(number, e.getMessage()));
        }
      }
    }
    if (rows.isEmpty()) {
      throw new IOException(
          "%s: no pair (expected: some; %s)"
              .formatted(file.getFileName(), bad.isEmpty() ? "it is empty" : bad.getFirst()));
    }
    if (!bad.isEmpty()) {
      progress.say(
          "%s: %s left out, the first %s"
              .formatted(source.label(), Texts.counted(bad.size(), "row"), bad.getFirst()));
    }
    return rows;
  }

  private static String text(JsonNode json, String field) {
    if (!json.path(field).isTextual()) {
      throw new IllegalArgumentException(field + ": missing (expected: a text)");
    }
    return json.path(field).asText();
  }

  private static List<Integer> votes(JsonNode annotators) {
    List<Integer> votes = new ArrayList<>();
    for (JsonNode annotator : annotators) {
      votes.add(
          switch (annotator.asText()) {
            case "a" -> 1;
            case "b" -> -1;
            case "tie" -> 0;
            default ->
                throw new IllegalArgumentException(
                    "annotators: %s (expected: a, b or tie)".formatted(annotator));
          });
    }
    if (votes.isEmpty()) {
      throw new IllegalArgumentException("annotators: none (expected: at least one)");
    }
    return votes;
  }

  /** How many pairs there are. */
  int size() {
    return pairs.size();
  }

  /**
   * Returns for each aggregate the share of measured pairs in which it prefers what people prefer;
   * the single member's is the mean over all members.
   */
  Map<Aggregate, Double> agreement(int seed, double flips) {
    RandomGenerator random =
        RandomGeneratorFactory.of("L64X128MixRandom").create(104_729L * (seed + 1));
    SplitRule rule = new SplitRule(seed, 10, TEST_PERCENT);
    List<JudgedGroup> groups = new ArrayList<>();
    List<Integer> golds = new ArrayList<>();
    for (Pair pair : pairs) {
      int teacher = random.nextInt(pair.votes().size());
      groups.add(group(pair.prompt(), pair.votes().get(teacher)));
      golds.add(pair.gold(teacher));
    }
    List<JudgedGroup> flipped =
        groups.stream().map(group -> LabelFlips.flip(group, flips, random)).toList();
    int width = features.getFirst().getFirst().size();
    FeatureTable table = FeatureTable.of(width, flipped, features);
    GroupSplit split = GroupSplit.of(table, rule);
    TrainedMembers trained =
        new MemberTrainer(
                new MemberTrainer.Plan(
                    plan.members(),
                    new GroupLoss.Preferences(BradleyTerryLoss.plain()),
                    false,
                    seed + 1,
                    plan.training()),
                line -> {})
            .train(table, split);
    double[][] members = trained.normalized(table);
    Map<Aggregate, Double> agreement = new EnumMap<>(Aggregate.class);
    for (Aggregate aggregate : Aggregate.values()) {
      int singles = aggregate == Aggregate.SINGLE ? members.length : 1;
      double sum = 0;
      for (int single = 0; single < singles; single++) {
        sum += agreement(aggregate.rewards(members, single), split.groups(Part.TEST), golds);
      }
      agreement.put(aggregate, sum / singles);
    }
    return agreement;
  }

  /** The share of pairs in the order of gold; equal rewards count a half. */
  private static double agreement(double[] rewards, int[] measured, List<Integer> golds) {
    double right = 0;
    int count = 0;
    for (int pair : measured) {
      int gold = golds.get(pair);
      if (gold != 0) {
        right += (1 + gold * Math.signum(rewards[2 * pair] - rewards[2 * pair + 1])) / 2;
        count++;
      }
    }
    if (count == 0) {
      throw new IllegalStateException("no pair to measure has a gold vote (expected: some)");
    }
    return right / count;
  }

  private static JudgedGroup group(String key, int vote) {
    return new JudgedGroup(
        key,
        NO_TOKENS,
        List.of(NO_TOKENS, NO_TOKENS),
        vote == 0 ? List.of() : List.of(new Preference(vote > 0 ? 0 : 1, vote > 0 ? 1 : 0, 0, 1)),
        Collections.nCopies(2, Grade.NONE));
  }
}
