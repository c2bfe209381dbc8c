package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.safety.core.gatefit.GateEvaluation;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.TrainedOn;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a gate would have done, before it is switched on. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Estimates what a gate in the model folders would have done, from decisions that another"
            + " took with known probabilities: how much it would show, and what would be kept of"
            + " it. Decisions that made the gate are left out. Intervals (95 %%) are by user; where the"
            + " log says too little, there is none, and none where the gate would show what another"
            + " could never have shown.")
final class GateEvaluateCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME[/VERSION]",
      description = "The gate, such as our-gate: NAME-context and NAME-suggestion.")
  private String name = "";

  @Mixin private DecisionOptions decisions;

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  GateEvaluateCommand(CommandContext context) {
    this.context = context;
    this.decisions = new DecisionOptions(context);
  }

  @Override
  public Integer call() throws IOException {
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try (CandidateGateFiles files = CandidateGateFiles.open(name, data.models(context))) {
      List<LoggedSuggestion> all = decisions.read();
      List<LoggedSuggestion> log = unseen(files, all);
      GateEvaluation found =
          GateEvaluation.of(
              files.gate(),
              log,
              OffPolicy.standard(),
              share -> progress.at("asking the gate", share));
      progress.end();
      show(found, all.size() - log.size());
      return Exit.OK.code();
    } catch (UnusableLogException e) {
      progress.end();
      throw GateCommand.unusable(decisions.source(), e);
    }
  }

  /** The decisions that did not make the gate. */
  private List<LoggedSuggestion> unseen(CandidateGateFiles files, List<LoggedSuggestion> all)
      throws UnusableLogException {
    Optional<TrainedOn> trained = files.trainedOn();
    if (trained.isEmpty()) {
      if (decisions.hasSince()) {
        return all;
      }
      throw new ParameterException(
          spec.commandLine(),
          "--since: none (expected: a time after the decisions that made "
              + name
              + ", whose folders do not say which those were)");
    }
    List<LoggedSuggestion> log = all.stream().filter(each -> !trained.get().covers(each)).toList();
    if (log.isEmpty()) {
      throw new UnusableLogException(
          "all %,d decisions are of users of whom the gate was made (expected: others, or later ones)"
              .formatted(all.size()));
    }
    return log;
  }

  private void show(GateEvaluation found, int leftOut) {
    if (leftOut > 0) {
      printing.line(
          String.format(
              Locale.ROOT, "%,d decisions of users of whom the gate was made: left out", leftOut));
    }
    printing.line(
        String.format(
            Locale.ROOT,
            "%,d decisions, %,d shown, %,d answered",
            found.decisions(),
            found.shown(),
            found.answered()));
    ObjectNode document =
        JsonNodeFactory.instance
            .objectNode()
            .put("decisions", found.decisions())
            .put("left_out", leftOut)
            .put("shown", found.shown())
            .put("answered", found.answered());
    TextTable table = TextTable.headed("it would", "estimate", "95 %", "effective decisions");
    add("show, of all", "shown_share", found.shownShare(), table, document);
    add("be kept, of what it shows", "kept_of_shown", found.keptOfShown(), table, document);
    add(
        "be rejected, of what it hides",
        "rejected_of_hidden",
        found.rejectedOfHidden(),
        table,
        document);
    add("be kept, a decision", "kept_of_all", found.keptOfAll(), table, document);
    add(
        "the same, doubly robust",
        "kept_of_all_doubly_robust",
        found.keptOfAllRobust(),
        table,
        document);
    printing.table(table);
    printing.document(document);
  }

  private static void add(
      String words, String field, OffPolicyEstimate estimate, TextTable table, ObjectNode into) {
    ObjectNode node = into.putObject(field).put("effective_decisions", estimate.effectiveSize());
    String size = String.format(Locale.ROOT, "%.0f", estimate.effectiveSize());
    switch (estimate) {
      case OffPolicyEstimate.Estimated known -> {
        table.row(
            words,
            String.format(Locale.ROOT, "%.3f", known.value().estimate()),
            String.format(Locale.ROOT, "%.3f to %.3f", known.value().low(), known.value().high()),
            size);
        node.put("estimate", known.value().estimate())
            .put("lower", known.value().low())
            .put("upper", known.value().high());
      }
      case OffPolicyEstimate.TooLittle little ->
          table.row(words, "the log says too little", "", size);
    }
  }
}
