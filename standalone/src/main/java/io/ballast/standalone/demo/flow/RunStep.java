package io.ballast.standalone.demo.flow;

import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.standalone.demo.flow.DemoSeeds.Purpose;
import io.ballast.standalone.demo.mesh.Iteration;
import io.ballast.standalone.demo.mesh.RunListener;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunOutcome;
import io.ballast.standalone.demo.mesh.TestNumbers;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Position;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Starts both runs from the same pinned version, the reward-only run first, and follows them to
 * their ends. Neither can become the other's start: both name the version that they start from, and
 * the reward-only run promotes nothing, whatever its test says.
 */
final class RunStep {
  private static final int MAX_GROUP_CHARACTERS = 128;

  private final DemoContext demo;
  private final RunSpecs specs;
  private final String version;
  private final String attempt;

  /**
   * @param version that both start from
   * @param attempt distinguishes this demo's runs from those of another on the same mesh
   */
  RunStep(DemoContext demo, RunSpecs specs, String version, String attempt) {
    this.demo = demo;
    this.specs = specs;
    this.version = version;
    this.attempt = attempt;
  }

  Map<RunName, RunOutcome> run() {
    demo.screen()
        .step(
            "Two runs of %,d iterations from version %s, then a safety test of each candidate"
                .formatted(demo.plan().iterations(), version));
    demo.screen()
        .say(
            "         constrained: worst of five rewards, harm priced by λ; promoted if its test passes\n"
                + "         reward only: the same without the price of harm; tested, never promoted");
    Map<RunName, String> ids = new EnumMap<>(RunName.class);
    for (RunName run : List.of(RunName.REWARD_ONLY, RunName.CONSTRAINED)) {
      ids.put(run, demo.calls().runs().create(spec(run), attempt + "-" + run.key()));
    }
    List<RunOutcome> outcomes =
        ParallelCalls.map(
            new ArrayList<>(ids.entrySet()),
            ids.size(),
            entry -> demo.calls().runs().follow(entry.getKey(), entry.getValue(), new OnScreen()),
            _ -> {});
    Map<RunName, RunOutcome> byName = new EnumMap<>(RunName.class);
    outcomes.forEach(outcome -> byName.put(outcome.name(), outcome));
    byName.values().forEach(outcome -> demo.screen().say("         " + show(outcome)));
    return byName;
  }

  private String spec(RunName run) {
    List<Position> test =
        switch (run) {
          case CONSTRAINED -> demo.sets().constrainedSafety();
          case REWARD_ONLY -> demo.sets().rewardOnlySafety();
        };
    GroupedPrompts testPrompts = byFile(test);
    Set<String> heldOut = new HashSet<>(testPrompts.prompts());
    return specs.write(
        run,
        demo.plan(),
        version,
        demo.seeds().at(Purpose.RUNS, 0, 0) >>> 1,
        prompts(demo.sets().learning()).stream().filter(p -> !heldOut.contains(p)).toList(),
        testPrompts);
  }

  /** Returns each prompt once, in a group with the others of its file. */
  private GroupedPrompts byFile(List<Position> positions) {
    Map<String, String> files = new LinkedHashMap<>();
    for (Position position : positions) {
      files.putIfAbsent(demo.prompts().toLearn(position), group(position.file()));
    }
    return new GroupedPrompts(List.copyOf(files.keySet()), List.copyOf(files.values()));
  }

  /** A file's name, or as much of its end as a group's name may have. */
  private static String group(SourceFile file) {
    String name = file.artefact() + "/" + file.path();
    return name.substring(Math.max(0, name.length() - MAX_GROUP_CHARACTERS));
  }

  /** Returns each prompt once: two files may begin alike. */
  private List<String> prompts(List<Position> positions) {
    return positions.stream().map(demo.prompts()::toLearn).distinct().toList();
  }

  /** Returns what became of a run, for the terminal. */
  static String show(RunOutcome outcome) {
    String test =
        outcome
            .test()
            .map(
                t ->
                    String.format(
                        Locale.ROOT,
                        "upper bound %.3f %s τ %.2f (mean %.3f, n %,d, 1 − δ = %.2f, by %s)",
                        t.upperBound(),
                        passed(t) ? "≤" : ">",
                        t.threshold(),
                        t.mean(),
                        t.n(),
                        1 - t.delta(),
                        t.costModel()))
            .orElse("no safety test");
    return "%s: %s — %s%s"
        .formatted(
            outcome.name().title(),
            words(outcome),
            test,
            outcome.earlyStop().isEmpty() ? "" : "; stopped early: " + outcome.earlyStop());
  }

  /** Returns the decision in words, with what is unexpected about it. */
  static String words(RunOutcome outcome) {
    return switch (outcome.decision()) {
      case PROMOTED -> "PROMOTED, certificate " + outcome.certificateId();
      case NO_SOLUTION_FOUND -> "NO SOLUTION FOUND, the serving version stays";
      case REFUSED ->
          outcome.name() == RunName.REWARD_ONLY
              ? "PASSED its test, which was not expected; held by its spec, the serving version stays"
              : "passed its test and was REFUSED, the serving version stays";
    };
  }

  private static boolean passed(TestNumbers test) {
    return test.upperBound() <= test.threshold();
  }

  /** Shows runs live. */
  private final class OnScreen implements RunListener {
    @Override
    public void iterated(RunName run, Iteration iteration, int count) {
      demo.screen()
          .say(
              String.format(
                  Locale.ROOT,
                  "         %-11s %3d/%d  reward %+.2f  spread %s  KL %s  cost %.3f%s  %.1f s%s",
                  run.title(),
                  iteration.number(),
                  count,
                  iteration.reward(),
                  shown("%.2f", iteration.spread()),
                  shown("%.3f", iteration.klNats()),
                  iteration.cost(),
                  iteration.lambda().isPresent()
                      ? String.format(Locale.ROOT, "  λ %.2f", iteration.lambda().getAsDouble())
                      : "",
                  iteration.seconds(),
                  iteration.dropped() == 0 ? "" : "  dropped " + iteration.dropped()));
    }

    private static String shown(String format, OptionalDouble number) {
      return number.isPresent() ? String.format(Locale.ROOT, format, number.getAsDouble()) : "–";
    }

    @Override
    public void tested(RunName run, int judged, int prompts) {
      demo.screen().progress(run.title() + ": safety test", judged, prompts);
    }

    @Override
    public void entered(RunName run, String state) {
      demo.screen().say("         " + run.title() + ": " + state);
    }
  }
}
