package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.adapter.SpecDifferences;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.v1.ConstraintTest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.Run;
import io.ballast.safety.v1.NoSolutionReason;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.standalone.demo.report.ComparisonPage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs side by side: where their specs differ, how they ended, and their last numbers. */
final class RunComparison {
  private static final String ABSENT = SpecDifferences.ABSENT;
  private static final double BIG = 100;
  private static final double WHOLE = 1e9;
  private static final double SMALL = 1e-3;

  private final List<ComparedRun> runs;
  private final List<SpecDifferences.Row> differences;

  /** Compares {@code answers}, 2 to {@link ComparedRun#MOST}. */
  RunComparison(List<GetRunResponse> answers) {
    List<ComparedRun> compared = new ArrayList<>();
    for (GetRunResponse answer : answers) {
      compared.add(ComparedRun.of(compared.size(), answer));
    }
    this.runs = List.copyOf(compared);
    this.differences = SpecDifferences.of(runs.stream().map(run -> run.run().getSpec()).toList());
  }

  /** Each run with its letter. */
  List<String> keys() {
    return runs.stream().map(run -> run.letter() + "  " + run.words()).toList();
  }

  /** The page. */
  ComparisonPage page() {
    List<ComparisonPage.Section> sections = new ArrayList<>();
    sections.add(verdicts());
    sections.add(specs());
    sections.addAll(RunPlots.of(runs));
    sections.add(lastValues());
    return new ComparisonPage(
        runs.stream().map(run -> new ComparisonPage.Key(run.line(), run.words())).toList(),
        sections);
  }

  /** Where the specs differ. */
  ComparisonPage.Table specs() {
    String heading = "Where their specs differ";
    return differences.isEmpty()
        ? new ComparisonPage.Table(
            heading, "Nowhere: they mean the same.", List.of(), List.of(), true)
        : new ComparisonPage.Table(
            heading,
            "",
            head("key"),
            differences.stream().map(row -> row(row.key(), row.values())).toList(),
            true);
  }

  /** How they ended, and what was certified. */
  ComparisonPage.Table verdicts() {
    List<List<String>> rows = new ArrayList<>();
    add(rows, "state", RunTable::state);
    add(
        rows,
        "iterations",
        run ->
            run.getIterationsDone()
                + " of "
                + run.getIterationsCount()
                + (run.getEarlyStopReason().isEmpty() ? "" : "; " + run.getEarlyStopReason()));
    add(rows, "from", run -> run.hasBaseVersion() ? ModelOptions.text(run.getBaseVersion()) : "");
    add(rows, "rewarded by", run -> judges(run, spec -> Stream.of(spec.reward().model())));
    add(
        rows,
        "harm by",
        run -> judges(run, spec -> spec.constraints().stream().map(ConstraintSpec::cost)));
    add(rows, "gold by", run -> judges(run, RunComparison::gold));
    add(rows, "candidate", RunComparison::candidate);
    add(rows, "chosen as", Run::getCandidateReason);
    for (String constraint : constraintsTested()) {
      add(
          rows,
          constraint.isEmpty() ? "safety test" : "test of " + constraint,
          run -> tested(test(run, constraint)));
      add(
          rows,
          constraint.isEmpty() ? "certificate" : "certificate of " + constraint,
          run -> certificate(test(run, constraint)));
    }
    add(rows, "alarms", RunComparison::alarms);
    add(rows, "because", Run::getMessage);
    return new ComparisonPage.Table("How they ended", withoutIterations(), head(""), rows, true);
  }

  /** Which runs have no numbers, in a sentence; empty if all have some. */
  private String withoutIterations() {
    List<String> letters =
        runs.stream().filter(run -> run.scalars().isEmpty()).map(ComparedRun::letter).toList();
    return switch (letters.size()) {
      case 0 -> "";
      case 1 -> letters.getFirst() + " has done no iteration: it has no numbers and no curves.";
      default ->
          String.join(", ", letters)
              + " have done no iteration: they have no numbers and no curves.";
    };
  }

  private void add(List<List<String>> rows, String name, Function<Run, String> cell) {
    List<String> cells =
        runs.stream()
            .map(run -> cell.apply(run.run()))
            .map(text -> text.isEmpty() ? ABSENT : text)
            .toList();
    if (cells.stream().anyMatch(text -> !text.equals(ABSENT))) {
      rows.add(row(name, cells));
    }
  }

  /** The versions that the run's spec asks; empty of a spec that would be refused today. */
  private static String judges(Run run, Function<RunSpec, Stream<ModelRef>> named) {
    RunSpec spec = SpecDifferences.meaning(run.getSpec());
    return spec == null
        ? ""
        : named.apply(spec).map(ModelRef::toString).distinct().collect(Collectors.joining(", "));
  }

  private static Stream<ModelRef> gold(RunSpec spec) {
    GoldSpec gold = spec.watch().gold();
    return gold == null ? Stream.empty() : Stream.of(gold.reward().model());
  }

  private static String candidate(Run run) {
    return run.hasCandidateVersion()
        ? "%s, after iteration %d"
            .formatted(ModelOptions.text(run.getCandidateVersion()), run.getCandidateIteration())
        : "";
  }

  private static String alarms(Run run) {
    return run.getAlarmsList().stream().map(RunTable::words).collect(Collectors.joining("; "));
  }

  /** The constraints that any run was tested for; the empty one is a run's only test. */
  private Set<String> constraintsTested() {
    Set<String> names = new LinkedHashSet<>();
    for (ComparedRun each : runs) {
      if (each.run().getConstraintTestsCount() > 0) {
        each.run().getConstraintTestsList().forEach(test -> names.add(test.getConstraint()));
      } else if (each.run().hasSafetyTest()) {
        names.add("");
      }
    }
    return names;
  }

  private static @Nullable SafetyTest test(Run run, String constraint) {
    if (constraint.isEmpty()) {
      return run.getConstraintTestsCount() == 0 && run.hasSafetyTest() ? run.getSafetyTest() : null;
    }
    return run.getConstraintTestsList().stream()
        .filter(each -> each.getConstraint().equals(constraint))
        .map(ConstraintTest::getTest)
        .findFirst()
        .orElse(null);
  }

  private static String tested(@Nullable SafetyTest test) {
    if (test == null) {
      return "";
    }
    String reason =
        test.getState() == SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND
                && test.getNoSolutionReason() != NoSolutionReason.NO_SOLUTION_REASON_UNSPECIFIED
            ? SuggestCommand.words(test.getNoSolutionReason().name(), "NO_SOLUTION_REASON_") + "; "
            : "";
    return reason + RunTable.test(test);
  }

  private static String certificate(@Nullable SafetyTest test) {
    return test == null ? "" : test.getCertificateId();
  }

  /** The last number of each kind that each run has, and how far it is from the first run's. */
  ComparisonPage.Table lastValues() {
    String heading = "Last numbers";
    List<String> tags = tags();
    if (tags.isEmpty()) {
      return new ComparisonPage.Table(heading, "None has any.", List.of(), List.of(), false);
    }
    List<String> head = new ArrayList<>(List.of("number", runs.getFirst().letter()));
    for (ComparedRun run : runs.subList(1, runs.size())) {
      head.add(run.letter());
      head.add(run.letter() + " − " + runs.getFirst().letter());
    }
    List<List<String>> rows = new ArrayList<>();
    for (String tag : tags) {
      List<String> row = new ArrayList<>(List.of(tag));
      ComparedRun.Reading first = runs.getFirst().last(tag);
      row.add(shown(runs.getFirst(), first));
      for (ComparedRun run : runs.subList(1, runs.size())) {
        ComparedRun.Reading last = run.last(tag);
        row.add(shown(run, last));
        row.add(first == null || last == null ? ABSENT : signed(last.value() - first.value()));
      }
      rows.add(row);
    }
    return new ComparisonPage.Table(
        heading,
        "Of each run's last iteration; of an earlier one where its number stands beside.",
        head,
        rows,
        false);
  }

  /** All tags, those together that begin alike. */
  private List<String> tags() {
    return runs.stream()
        .flatMap(run -> run.scalars().stream())
        .flatMap(scalars -> scalars.keySet().stream())
        .distinct()
        .collect(
            Collectors.groupingBy(
                tag -> tag.substring(0, tag.indexOf('/')), LinkedHashMap::new, Collectors.toList()))
        .values()
        .stream()
        .flatMap(List::stream)
        .toList();
  }

  private static String shown(ComparedRun run, ComparedRun.@Nullable Reading reading) {
    if (reading == null) {
      return ABSENT;
    }
    int last = run.answer().getIterations(run.answer().getIterationsCount() - 1).getIteration();
    return number(reading.value())
        + (reading.iteration() == last ? "" : " (in " + reading.iteration() + ")");
  }

  private static String signed(double difference) {
    return difference > 0 ? "+" + number(difference) : number(difference);
  }

  private static String number(double value) {
    double size = Math.abs(value);
    String format =
        value == Math.rint(value) && size < WHOLE
            ? "%.0f"
            : size >= BIG ? "%.1f" : size >= SMALL ? "%.4f" : "%.3e";
    return String.format(Locale.ROOT, format, value == 0 ? 0.0 : value);
  }

  private List<String> head(String first) {
    return row(first, runs.stream().map(ComparedRun::letter).toList());
  }

  private static List<String> row(String first, List<String> others) {
    List<String> row = new ArrayList<>(List.of(first));
    row.addAll(others);
    return row;
  }

  /** The document: the runs, and in which keys their specs differ. */
  ObjectNode document() {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ArrayNode all = document.putArray("runs");
    runs.forEach(run -> all.add(Printing.tree(run.answer())));
    ArrayNode rows = document.putArray("spec_differences");
    for (SpecDifferences.Row difference : differences) {
      ObjectNode row = rows.addObject();
      row.put("key", difference.key());
      ArrayNode values = row.putArray("values");
      difference
          .values()
          .forEach(
              value -> {
                if (value.equals(ABSENT)) {
                  values.addNull();
                } else {
                  values.add(value);
                }
              });
    }
    return document;
  }
}
