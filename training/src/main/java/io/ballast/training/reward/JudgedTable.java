package io.ballast.training.reward;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.call.Texts;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.reward.JudgementGroups.Grouped;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.LabelFlips;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;

/** Judgements as a trunk reads them: grouped by prompt, split, and with features. */
final class JudgedTable {
  private final boolean pairs;
  private final FeatureTable table;
  private final GroupSplit split;
  private final List<BadRow> badRows;
  private final long leftOut;
  private final Aim.Zero zero;
  private final Map<String, String> facts;

  /**
   * Judgements grouped, before their features are read.
   *
   * @param badRows that this model or this split cannot use
   */
  record Sorted(
      RewardPlan plan,
      JudgementData data,
      List<JudgedGroup> groups,
      Function<String, Part> sides,
      List<BadRow> badRows) {}

  private JudgedTable(Sorted sorted, Aim aim, FeatureTable table) throws UnusableDataException {
    pairs = sorted.groups().stream().anyMatch(group -> !group.preferences().isEmpty());
    this.table = table;
    split = GroupSplit.of(table, sorted.sides());
    badRows = sorted.badRows();
    leftOut = sorted.data().badRowCount() + badRows.size();
    requireLabels(sorted.plan().splitBy());
    zero = aim.zero(table, split);
    facts = facts(sorted, aim);
  }

  /**
   * Groups judgements, and turns labels round where the plan wants it.
   *
   * @throws UnusableDataException if rows cannot be used that must not be left out, or there are no
   *     judgements
   */
  static Sorted sort(RewardPlan plan, JudgementData data, StoredModel trunk, boolean skipsBad)
      throws UnusableDataException {
    Grouped grouped = group(plan, data, trunk, skipsBad);
    return sorted(plan, data, grouped, sides(plan, keys(grouped.groups())));
  }

  /**
   * Groups the judgements of several objectives. What one of them learns from measures none of the
   * others: a key is on one side in all files, and where the split is by time a prompt stands where
   * its last judgement in any file does.
   *
   * @return in the order of the objectives
   * @throws UnusableDataException as the other, naming the objective
   */
  static List<Sorted> sort(
      RewardPlan plan, RewardData.Objectives data, StoredModel trunk, boolean skipsBad)
      throws UnusableDataException {
    List<Grouped> files = new ArrayList<>();
    for (Objective each : data.objectives()) {
      files.add(each.named(() -> group(plan, each.judgements(), trunk, skipsBad)));
    }
    Map<TokenIds, String> last = new HashMap<>();
    if (plan.splitBy() == SplitBy.TIME) {
      files.stream()
          .flatMap(file -> file.groups().stream())
          .forEach(
              group ->
                  last.merge(
                      group.prompt(),
                      group.key(),
                      (one, other) -> one.compareTo(other) > 0 ? one : other));
    }
    Function<String, Part> sides = sides(plan, List.copyOf(last.values()));
    List<Sorted> sorted = new ArrayList<>();
    for (int o = 0; o < files.size(); o++) {
      Objective each = data.objectives().get(o);
      Grouped file = files.get(o);
      List<JudgedGroup> groups =
          file.groups().stream()
              .map(group -> group.withKey(last.getOrDefault(group.prompt(), group.key())))
              .toList();
      Grouped together = new Grouped(groups, file.badRows());
      sorted.add(each.named(() -> sorted(plan, each.judgements(), together, sides)));
    }
    return sorted;
  }

  private static Sorted sorted(
      RewardPlan plan, JudgementData data, Grouped grouped, Function<String, Part> sides)
      throws UnusableDataException {
    if (grouped.groups().isEmpty()) {
      throw new UnusableDataException(
          "no judgements (expected: pairs or grades)"
              + data.facts().entrySet().stream()
                  .map(fact -> "; " + fact.getKey() + ": " + fact.getValue())
                  .collect(Collectors.joining()));
    }
    return new Sorted(plan, data, noisy(plan, grouped.groups(), sides), sides, grouped.badRows());
  }

  private static List<String> keys(List<JudgedGroup> groups) {
    return groups.stream().map(JudgedGroup::key).toList();
  }

  /** The side of a key; {@code keys} are one for each prompt, for a split by time. */
  private static Function<String, Part> sides(RewardPlan plan, List<String> keys) {
    return plan.splitBy() == SplitBy.TIME ? plan.split().later(keys) : plan.split()::of;
  }

  /**
   * Reads features.
   *
   * @param aim of the scores
   * @param progress told how many groups are done, now and then
   * @throws UnusableDataException if a part of the split says nothing
   */
  static JudgedTable read(Sorted sorted, Aim aim, OnnxFeatureReader reader, IntConsumer progress)
      throws UnusableDataException {
    return new JudgedTable(sorted, aim, FeatureTable.read(reader, sorted.groups(), progress));
  }

  private static Grouped group(
      RewardPlan plan, JudgementData data, StoredModel trunk, boolean skipsBad)
      throws UnusableDataException {
    Grouped grouped = group(plan, data, trunk);
    if (!grouped.badRows().isEmpty() && !skipsBad) {
      throw UnusableDataException.of(grouped.badRows());
    }
    return grouped;
  }

  private static Grouped group(RewardPlan plan, JudgementData data, StoredModel trunk) {
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(trunk.folder())) {
      return new JudgementGroups(
              tokenizer,
              ChatTemplate.ofFolder(trunk.folder()),
              plan.maxPromptTokens(),
              plan.splitBy())
          .group(data.judgements());
    }
  }

  /** Flips labels of what trains and stops; what is measured keeps its labels. */
  private static List<JudgedGroup> noisy(
      RewardPlan plan, List<JudgedGroup> groups, Function<String, Part> sides) {
    if (plan.flipProbability() == 0) {
      return groups;
    }
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(plan.seed());
    List<JudgedGroup> result = new ArrayList<>(groups.size());
    for (JudgedGroup group : groups) {
      boolean measured = sides.apply(group.key()) == Part.TEST;
      result.add(measured ? group : LabelFlips.flip(group, plan.flipProbability(), random));
    }
    return result;
  }

  /** Every part needs something to be learned, stopped or measured by. */
  private void requireLabels(SplitBy splitBy) throws UnusableDataException {
    for (Part part : Part.values()) {
      long labels =
          Arrays.stream(split.groups(part))
              .mapToObj(table::group)
              .mapToLong(group -> labels(group, pairs))
              .sum();
      if (labels == 0) {
        throw new UnusableDataException(
            "%s part: no %s (expected: judgements of more %ss, or %s held out)"
                .formatted(
                    part.name().toLowerCase(Locale.ROOT),
                    pairs ? "pairs" : "grades",
                    splitBy.name().toLowerCase(Locale.ROOT),
                    part == Part.TRAIN ? "less" : "more"));
      }
    }
    if (!pairs) {
      requireTwoGrades();
    }
  }

  /** Grades that are all alike tell no completion from another. */
  private void requireTwoGrades() throws UnusableDataException {
    double[] grades =
        Arrays.stream(split.groups(Part.TRAIN))
            .mapToObj(table::group)
            .flatMap(group -> group.grades().stream())
            .filter(Grade::isKnown)
            .mapToDouble(Grade::value)
            .distinct()
            .limit(2)
            .toArray();
    if (grades.length < 2) {
      throw new UnusableDataException(
          "train part: all grades are alike, %s (expected: some that differ)".formatted(grades[0]));
    }
  }

  private static long labels(JudgedGroup group, boolean pairs) {
    return pairs
        ? group.preferences().size()
        : group.grades().stream().filter(Grade::isKnown).count();
  }

  /** Whether anything was preferred to something else; else there are grades alone. */
  boolean pairs() {
    return pairs;
  }

  /** Where the zero of the scores is to be. */
  Aim.Zero zero() {
    return zero;
  }

  /** The features. */
  FeatureTable table() {
    return table;
  }

  /** Which groups train, stop and measure. */
  GroupSplit split() {
    return split;
  }

  /** Rows that this model or this split cannot use. */
  List<BadRow> badRows() {
    return badRows;
  }

  /** How many rows were left out, of those that said nothing too. */
  long leftOut() {
    return leftOut;
  }

  /** What was trained on, by name, in the order in which a reader wants it. */
  Map<String, String> facts() {
    return facts;
  }

  private Map<String, String> facts(Sorted sorted, Aim aim) {
    RewardPlan plan = sorted.plan();
    JudgementData data = sorted.data();
    List<JudgedGroup> groups = sorted.groups();
    Map<String, String> facts = new LinkedHashMap<>();
    long preferences = groups.stream().mapToLong(group -> labels(group, true)).sum();
    long grades = groups.stream().mapToLong(group -> labels(group, false)).sum();
    facts.put(
        "judgements",
        "%s and %s, %s of %s"
            .formatted(
                Texts.counted(preferences, "pair"),
                Texts.counted(grades, "graded completion"),
                Texts.counted(table.size(), "completion"),
                Texts.counted(table.groups(), "prompt")));
    facts.putAll(data.facts());
    facts.put("data, SHA-256", data.sha256());
    if (!table.refused().isEmpty()) {
      facts.put("completions left out", text(table.refused()));
    }
    facts.put(
        "prompts, split by " + plan.splitBy().name().toLowerCase(Locale.ROOT),
        String.format(
            Locale.ROOT,
            "%,d to train, %,d to stop and calibrate, %,d to measure",
            split.size(Part.TRAIN),
            split.size(Part.VALIDATION),
            split.size(Part.TEST)));
    facts.put("loss", aim.lossInWords(pairs));
    if (pairs) {
      facts.put("label smoothing", Double.toString(plan.labelSmoothing()));
    }
    facts.putAll(zero.facts());
    return Collections.unmodifiableMap(facts);
  }

  private static String text(Map<Refusal.Reason, Integer> refused) {
    return refused.entrySet().stream()
        .map(entry -> entry.getKey() + " " + entry.getValue())
        .collect(Collectors.joining(", "));
  }
}
