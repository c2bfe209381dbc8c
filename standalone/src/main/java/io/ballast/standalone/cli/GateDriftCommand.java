package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.core.gatefit.GateDrift;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Says whether what gates say still comes true. */
@Command(
    name = "drift",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Compares what the gate said with what people did, by tenant and week. A week alarms where"
            + " calibrated probabilities would hardly have come out so, users being independent; all"
            + " weeks together alarm with probability --alpha at most while probabilities are right"
            + " of the first 20 decisions of each user. Of few users no week can alarm, and that is"
            + " said.",
    footer = {"", "Exit code 4: a week alarms."})
final class GateDriftCommand implements Callable<Integer> {
  @Mixin private DecisionOptions decisions;

  @Option(
      names = "--alpha",
      defaultValue = "0.05",
      paramLabel = "P",
      description = "The probability of a false alarm (default: ${DEFAULT-VALUE}).")
  private double alpha;

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  GateDriftCommand(CommandContext context) {
    this.decisions = new DecisionOptions(context);
  }

  @Override
  public Integer call() throws IOException {
    if (!(alpha > 0 && alpha < 1)) {
      throw new ParameterException(
          spec.commandLine(), "--alpha: " + alpha + " (expected: above 0, below 1)");
    }
    try {
      List<LoggedSuggestion> log = decisions.read();
      DecisionOptions.requireTimes(log, "weeks");
      GateDrift drift = GateDrift.of(log, alpha);
      if (drift.cells().isEmpty()) {
        throw new UnusableLogException(
            "no decision that a gate had a say in and that was shown and answered (expected: some)");
      }
      show(drift);
      return (drift.alarms() ? Exit.REFUSED : Exit.OK).code();
    } catch (UnusableLogException e) {
      throw GateCommand.unusable(decisions.source(), e);
    }
  }

  private void show(GateDrift drift) {
    TextTable table =
        TextTable.headed(
            "tenant",
            "week",
            "decisions",
            "users",
            "said",
            "kept",
            "calibration error",
            "chance",
            "");
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("alpha", drift.alpha()).put("alarm", drift.alarms());
    for (GateDrift.Cell cell : drift.cells()) {
      table.row(
          cell.tenant(),
          cell.week(),
          String.format(Locale.ROOT, "%,d", cell.drift().rows()),
          String.format(Locale.ROOT, "%,d", cell.drift().users()),
          String.format(Locale.ROOT, "%.3f", cell.drift().predicted()),
          String.format(Locale.ROOT, "%.3f", cell.drift().observed()),
          String.format(Locale.ROOT, "%.3f", cell.drift().error()),
          String.format(Locale.ROOT, "%.2g", cell.drift().chance()),
          cell.alarm() ? "ALARM" : cell.tooFewUsers() ? "too few users to tell" : "");
      document
          .withArray("weeks")
          .addObject()
          .put("tenant", cell.tenant())
          .put("week", cell.week())
          .put("decisions", cell.drift().rows())
          .put("users", cell.drift().users())
          .put("predicted", cell.drift().predicted())
          .put("observed", cell.drift().observed())
          .put("calibration_error", cell.drift().error())
          .put("chance", cell.drift().chance())
          .put("alarm", cell.alarm())
          .put("too_few_users", cell.tooFewUsers());
    }
    printing.table(table);
    printing.document(document);
  }
}
