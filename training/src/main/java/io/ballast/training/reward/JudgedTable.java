package io.ballast.training.reward;

import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.reward.JudgementGroups.Grouped;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.LabelFlips;
import java.util.ArrayList;
import java.util.Arrays;
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
  private final RewardPlan plan;
  private final JudgementData data;
  private final List<JudgedGroup> groups;
  private final List<BadRow> badRows;
  private final boolean pairs;
  private final FeatureTable table;
  private final GroupSplit split;

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

  private JudgedTable(Sorted sorted, FeatureTable table) throws UnusableDataException {
    plan = sorted.plan();
    data = sorted.data();
    groups = sorted.groups();
    badRows = sorted.badRows();
    pairs = groups.stream().anyMatch(group -> !group.preferences().isEmpty());
    this.table = table;
    split = GroupSplit.of(table, sorted.sides());
    requireLabels();
  }

  /**
   * Groups judgements, and turns labels round where the plan wants it.
   *
   * @throws UnusableDataException if rows cannot be used that must not be left out, or there are no
   *     judgements
   */
  static Sorted sort(RewardPlan plan, JudgementData data, StoredModel trunk, boolean skipsBad)
      throws UnusableDataException {
    Grouped grouped = group(plan, data, trunk);
    if (!grouped.badRows().isEmpty() && !skipsBad) {
      throw UnusableDataException.of(grouped.badRows());
    }
    Function<String, Part> sides =
        plan.splitBy() == SplitBy.TIME
            ? plan.split().later(grouped.groups().stream().map(JudgedGroup::key).toList())
            : plan.split()::of;
    List<JudgedGroup> groups = noisy(plan, grouped.groups(), sides);
    if (groups.isEmpty()) {
      throw new UnusableDataException(
          "no judgements (expected: pairs or grades)"
              + data.facts().entrySet().stream()
                  .map(fact -> "; " + fact.getKey() + ": " + fact.getValue())
                  .collect(Collectors.joining()));
    }
    return new Sorted(plan, data, groups, sides, grouped.badRows());
  }

  /**
   * Reads features.
   *
   * @param progress told how many groups are done, now and then
   * @throws UnusableDataException if a part of the split says nothing
   */
  static JudgedTable read(Sorted sorted, OnnxFeatureReader reader, IntConsumer progress)
      throws UnusableDataException {
    return new JudgedTable(sorted, FeatureTable.read(reader, sorted.groups(), progress));
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
  private void requireLabels() throws UnusableDataException {
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
                    plan.splitBy().name().toLowerCase(Locale.ROOT),
                    part == Part.TRAIN ? "less" : "more"));
      }
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
    return data.badRowCount() + badRows.size();
  }

  /** What was trained on, by name, in the order in which a reader wants it. */
  Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    long preferences = groups.stream().mapToLong(group -> labels(group, true)).sum();
    long grades = groups.stream().mapToLong(group -> labels(group, false)).sum();
    facts.put(
        "judgements",
        String.format(
            Locale.ROOT,
            "%,d pairs and %,d graded completions, %,d completions of %,d prompts",
            preferences,
            grades,
            table.size(),
            table.groups()));
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
    facts.put("loss", pairs ? "Bradley-Terry of the pairs" : "likelihood of the grades");
    if (pairs) {
      facts.put("label smoothing", Double.toString(plan.labelSmoothing()));
    }
    return facts;
  }

  private static String text(Map<Refusal.Reason, Integer> refused) {
    return refused.entrySet().stream()
        .map(entry -> entry.getKey() + " " + entry.getValue())
        .collect(Collectors.joining(", "));
  }
}
