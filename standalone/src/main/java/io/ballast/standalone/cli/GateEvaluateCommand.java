package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.safety.core.gatefit.GateEvaluation;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Says what a gate would have done, before it is switched on. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Estimates what a gate in the model folders would have done, from decisions that another"
            + " took with known probabilities: how much it would show, and what would be kept of"
            + " it. Intervals (95 %%) are by user; where the log says too little, there is none.")
final class GateEvaluateCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME[/VERSION]",
      description = "The gate, such as our-gate: NAME-context and NAME-suggestion.")
  private String name = "";

  @Mixin private DecisionOptions decisions;

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  GateEvaluateCommand(CommandContext context) {
    this.context = context;
    this.decisions = new DecisionOptions(context);
  }

  @Override
  public Integer call() throws IOException {
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try (CandidateGateFiles files = CandidateGateFiles.open(name, data.models(context))) {
      GateEvaluation found =
          GateEvaluation.of(
              files.gate(),
              decisions.read(),
              OffPolicy.standard(),
              share -> progress.at("asking the gate", share));
      progress.end();
      show(found);
      return Exit.OK.code();
    } catch (UnusableLogException e) {
      progress.end();
      throw GateCommand.unusable(decisions.source(), e);
    }
  }

  private void show(GateEvaluation found) {
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
