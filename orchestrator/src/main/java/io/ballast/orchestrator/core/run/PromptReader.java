package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.Texts;
import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.Curriculum;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.rollout.DataTokens;
import io.ballast.orchestrator.core.rollout.Ladder;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.spec.DataSource;
import io.ballast.orchestrator.core.spec.EvaluationSpec;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.PtxSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.bound.BoundMethod;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the prompts of a new run, and refuses what nobody could sample from or test on. */
final class PromptReader {
  private static final int MAX_GROUP_CHARACTERS = 128;
  private static final String EVALUATION = "evaluation.prompts";
  private static final int MAX_EVALUATED = 65_536;
  private static final int MIN_TEST = 2;
  private static final int MAX_TEST = 10_000;
  private static final long MAX_TEST_BYTES = 8L << 20; // they travel in one message

  private final PromptArchive archive;

  PromptReader(PromptArchive archive) {
    this.archive = archive;
  }

  /**
   * Reads all sets.
   *
   * @param tokens what the policy would have written; null where nothing is labelled
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the prompt;
   *     DEPENDENCY_DOWN
   */
  PromptSets read(RunSpec spec, Caller caller, @Nullable DataTokens tokens) {
    String field = "safety_test.prompts";
    GroupedPrompts test = test(field, spec.safetyTest().prompts(), caller);
    Set<String> heldOut = heldOut(field, test.prompts());
    requireDraw(spec, test.size());
    requireEnough(field, spec, test.size());
    requireGroups(field, spec, test);
    GroupedPrompts evaluation = evaluation(spec, heldOut, caller);
    Map<String, String> apart = new HashMap<>();
    heldOut.forEach(prompt -> apart.put(prompt, "the safety test"));
    evaluation.prompts().forEach(prompt -> apart.put(prompt, "the evaluation"));
    return training(spec, caller, tokens, apart, test, evaluation);
  }

  private PromptSets training(
      RunSpec spec,
      Caller caller,
      @Nullable DataTokens tokens,
      Map<String, String> apart,
      GroupedPrompts test,
      GroupedPrompts evaluation) {
    List<String> training = new ArrayList<>();
    List<Double> numbers = new ArrayList<>();
    List<Labels> labels = new ArrayList<>();
    List<ReadSource> sources = new ArrayList<>();
    for (int s = 0; s < spec.prompts().size(); s++) {
      DataSource source = spec.prompts().get(s);
      RowCollector rows = rows(spec.promptsKey(s), source.rows(), caller, apart, tokens);
      training.addAll(rows.prompts());
      numbers.addAll(rows.numbers());
      labels.addAll(rows.labels());
      sources.add(rows.read(source.rows().name(), source.maxBadRows()));
      if (spec.follows()) {
        continue; // there is nothing yet
      }
      requireShare(spec, s, rows.prompts().size());
      requireBeginning(spec, s, rows.numbers());
    }
    PtxSpec ptx = spec.ptx();
    if (ptx != null) {
      RowCollector texts = rows("ptx", ptx.rows(), caller, apart, null);
      training.addAll(texts.prompts());
      numbers.addAll(texts.numbers());
      labels.addAll(texts.labels());
      sources.add(texts.read(ptx.rows().name(), ptx.maxBadRows()));
      if (texts.prompts().isEmpty()) {
        throw Faults.malformed("ptx.file", "no text (expected: at least one)");
      }
    }
    boolean ordered = spec.prompts().stream().anyMatch(source -> source.curriculum() != null);
    return new PromptSets(
        training,
        new RowNotes(ordered ? numbers : List.of(), spec.fromData() ? labels : List.of()),
        sources,
        test,
        evaluation);
  }

  /** A curriculum must admit a share of the first iteration; of later ones it admits no less. */
  private static void requireBeginning(RunSpec spec, int index, List<Double> numbers) {
    Curriculum curriculum = spec.prompts().get(index).curriculum();
    if (curriculum == null) {
      return;
    }
    int admitted = Ladder.of(numbers, curriculum).admitted(1);
    int least = least(spec, index);
    if (admitted < least) {
      throw Faults.malformed(
          spec.promptsKey(index) + ".curriculum.from",
          "%s admits %,d of %,d rows (expected: at least %,d, what the first iteration takes; the least %s is %s)"
              .formatted(
                  curriculum.from(),
                  admitted,
                  numbers.size(),
                  least,
                  PlainWords.name(curriculum.field()),
                  Collections.min(numbers)));
    }
  }

  private static int least(RunSpec spec, int index) {
    double weights = spec.prompts().stream().mapToDouble(DataSource::weight).sum();
    return PromptPlan.least(
        spec.prompts().get(index).weight(), weights, spec.rollout().promptsPerIteration());
  }

  private static void requireShare(RunSpec spec, int index, int count) {
    int perIteration = spec.rollout().promptsPerIteration();
    int least = least(spec, index);
    if (count < least) {
      throw Faults.malformed(
          spec.promptsKey(index),
          spec.prompts().size() == 1
              ? "%,d prompts (expected: at least rollout.prompts_per_iteration, %,d)"
                  .formatted(count, least)
              : "%,d prompts (expected: at least %,d, its share of the %,d of an iteration)"
                  .formatted(count, least, perIteration));
    }
  }

  /** What chooses a candidate must not have seen what it is tested on. */
  private GroupedPrompts evaluation(RunSpec spec, Set<String> test, Caller caller) {
    EvaluationSpec evaluation = spec.evaluation();
    if (evaluation == null) {
      return GroupedPrompts.alone(List.of());
    }
    GroupedPrompts prompts = test(EVALUATION, evaluation.prompts(), caller);
    var unused = heldOut(EVALUATION, prompts.prompts());
    requireWholeGroups(EVALUATION, prompts);
    if (!prompts.groups().isEmpty() && prompts.groupsCount() < MIN_TEST) {
      throw Faults.malformed(EVALUATION, "1 group (expected: 2 or more)");
    }
    if ((long) prompts.size() * evaluation.completions() > MAX_EVALUATED) {
      throw Faults.malformed(
          "evaluation.completions",
          "%,d of each of %,d prompts (expected: at most 65,536 together)"
              .formatted(evaluation.completions(), prompts.size()));
    }
    for (int i = 0; i < prompts.size(); i++) {
      if (test.contains(prompts.prompts().get(i))) {
        throw Faults.malformed(
            EVALUATION + "[" + i + "]",
            "is also a prompt of the safety test (expected: others: it must not choose what it tests)");
      }
    }
    return prompts;
  }

  /**
   * Other prompts for the safety test of a run.
   *
   * @param before the run's
   * @param usedUp whether those are used up; if not, some of them may be among the others
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the prompt
   */
  static PromptSets fresh(RunSpec spec, PromptSets before, GroupedPrompts fresh, boolean usedUp) {
    String field = "test_prompts";
    List<String> test = fresh.prompts();
    take(field, test, new RowCollector(field, Map.of()));
    var unused = heldOut(field, test);
    requireDraw(spec, test.size());
    requireEnough(field, spec, test.size());
    requireGroups(field, spec, fresh);
    if (fresh.groups().isEmpty() != before.test().groups().isEmpty()) {
      throw Faults.malformed(
          field,
          "%s (expected: as those before, which have %s)"
              .formatted(
                  groupsOrNone(fresh.groupsCount()), groupsOrNone(before.test().groupsCount())));
    }
    Set<String> training = new HashSet<>(before.training());
    Set<String> used = new HashSet<>(before.test().prompts());
    Set<String> evaluated = new HashSet<>(before.evaluation().prompts());
    for (int i = 0; i < test.size(); i++) {
      String path = field + "[" + i + "]";
      if (training.contains(test.get(i))) {
        throw Faults.malformed(path, "was trained on (expected: prompts that never were)");
      }
      if (evaluated.contains(test.get(i))) {
        throw Faults.malformed(path, "is of the evaluation (expected: prompts that never were)");
      }
      if (usedUp && used.contains(test.get(i))) {
        throw Faults.malformed(path, "is of the test before, which has used it up");
      }
    }
    return new PromptSets(
        before.training(), before.notes(), before.sources(), fresh, before.evaluation());
  }

  private static String groupsOrNone(int count) {
    return count == 0 ? "no groups" : "groups";
  }

  /** A group of every prompt, or of none. */
  private static void requireWholeGroups(String field, GroupedPrompts test) {
    if (test.groups().isEmpty()) {
      return;
    }
    if (test.groups().size() != test.size()) {
      throw Faults.malformed(
          field + ".groups",
          "%,d (expected: one for each of the %,d prompts, or none)"
              .formatted(test.groups().size(), test.size()));
    }
    for (int i = 0; i < test.size(); i++) {
      String path = "%s[%d].group".formatted(field, i);
      String group = Texts.requireLine(path, test.groups().get(i), MAX_GROUP_CHARACTERS);
      if (group.isEmpty()) {
        throw Faults.malformed(path, "absent (expected: a group of every prompt, or of none)");
      }
    }
  }

  /** What the safety-server would refuse when all is learned. */
  private static void requireGroups(String field, RunSpec spec, GroupedPrompts test) {
    requireWholeGroups(field, test);
    if (test.groups().isEmpty()) {
      return;
    }
    if (spec.safetyTest().bound() == BoundMethod.CLOPPER_PEARSON
        && test.groupsCount() < test.size()) {
      throw Faults.malformed(
          field,
          "%,d groups of %,d prompts (expected: of one each under CLOPPER_PEARSON, where a mean is no count)"
              .formatted(test.groupsCount(), test.size()));
    }
    int parts = spec.safetyTest().drawCount() > 0 ? 1 : spec.constraints().size();
    for (int j = 0; j < parts; j++) {
      int groups = test.every(parts, j).groupsCount();
      if (groups < MIN_TEST) {
        throw Faults.malformed(
            field,
            "%d group in the test of %s (expected: 2 or more)"
                .formatted(groups, spec.constraints().get(j).name()));
      }
    }
  }

  private static void requireEnough(String field, RunSpec spec, int prompts) {
    int least = MIN_TEST * spec.constraints().size();
    if (spec.safetyTest().drawCount() == 0 && prompts < least) {
      throw Faults.malformed(
          field,
          "%,d prompts (expected: at least %,d, %d for the test of each constraint)"
              .formatted(prompts, least, MIN_TEST));
    }
  }

  private static void requireDraw(RunSpec spec, int pool) {
    if ((long) spec.safetyTest().drawCount() * spec.constraints().size() > pool) {
      throw Faults.malformed(
          "safety_test.draw_count",
          "%,d (expected: for each constraint at most its part of the pool, %,d prompts)"
              .formatted(spec.safetyTest().drawCount(), pool));
    }
  }

  /** The prompts of a safety test or an evaluation, in their order. */
  private static Set<String> heldOut(String field, List<String> test) {
    if (test.size() < MIN_TEST || test.size() > MAX_TEST) {
      throw Faults.malformed(field, "%,d prompts (expected: 2 to 10,000)".formatted(test.size()));
    }
    long bytes =
        test.stream().mapToLong(each -> each.getBytes(StandardCharsets.UTF_8).length).sum();
    if (bytes > MAX_TEST_BYTES) {
      throw Faults.malformed(
          field, "%,d bytes together, limit %,d".formatted(bytes, MAX_TEST_BYTES));
    }
    Set<String> heldOut = new LinkedHashSet<>();
    for (int i = 0; i < test.size(); i++) {
      if (!heldOut.add(test.get(i))) {
        throw Faults.malformed(field + "[" + i + "]", "is there twice (expected: no two equal)");
      }
    }
    return heldOut;
  }

  private RowCollector rows(
      String field,
      PromptSource source,
      Caller caller,
      Map<String, String> apart,
      @Nullable DataTokens tokens) {
    return switch (source) {
      case PromptSource.Inline(GroupedPrompts given) -> {
        RowCollector rows = new RowCollector(field + ".inline", apart);
        take(field + ".inline", given.prompts(), rows);
        yield rows;
      }
      case PromptSource.InFile file -> {
        String path = field + "." + file.rows().key();
        RowCollector rows = new RowCollector(path, apart, tokens);
        archive.ofFile(path, file, caller, rows);
        yield rows;
      }
      case PromptSource.Followed _ -> new RowCollector(field + ".feedback", apart, tokens);
      case PromptSource.Feedback(int max) -> {
        RowCollector rows = new RowCollector(field + ".feedback", apart);
        List<String> prompts = archive.ofFeedback(caller.tenant(), max);
        for (int i = 0; i < prompts.size(); i++) {
          rows.row(new PromptRow(i + 1, prompts.get(i), ""));
        }
        yield rows;
      }
    };
  }

  /** Of what was given one by one each bad one is named by its index. */
  private static void take(String field, List<String> prompts, RowCollector rows) {
    for (int i = 0; i < prompts.size(); i++) {
      String flaw = rows.flaw(prompts.get(i));
      if (flaw != null) {
        throw Faults.malformed("%s[%d]".formatted(field, i), flaw);
      }
      rows.row(new PromptRow(i + 1, prompts.get(i), ""));
    }
  }

  /** The prompts of a safety test or an evaluation, of which every row must be good. */
  private GroupedPrompts test(String field, PromptSource source, Caller caller) {
    RowCollector rows = rows(field, source, caller, Map.of(), null);
    rows.requireAllGood(source.name());
    if (source instanceof PromptSource.Inline(GroupedPrompts given)) {
      return given;
    }
    return GroupedPrompts.of(rows.prompts(), rows.groups());
  }

  /**
   * Refuses text that neither UTF-8 nor PostgreSQL can hold.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming {@code path}
   */
  static void requireStorable(String path, String text) {
    String flaw = Texts.storageFlaw(text);
    if (flaw != null) {
      throw Faults.malformed(path, flaw);
    }
  }
}
