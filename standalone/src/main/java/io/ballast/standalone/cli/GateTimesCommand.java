package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.safety.adapter.GrpcTimeLog;
import io.ballast.safety.core.gatefit.TimedSuggestion;
import io.ballast.safety.core.gatefit.TimesEstimate;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Estimates what suggestions take and save. */
@Command(
    name = "times",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Estimates from the feedback of one tenant what a suggestion takes to read, to wait for and"
            + " to edit, and what it saves, and prints the properties with which the gate shows"
            + " what is expected to save time.",
    footer = {
      "",
      "What was taken nobody wrote by hand, so what it saves rests on --typing.",
      "Exit code 1: the log says too little."
    })
final class GateTimesCommand implements Callable<Integer> {
  @Option(
      names = "--typing",
      defaultValue = "3.3",
      paramLabel = "RATE",
      description =
          "Characters a second that people type, above 0 to 50 (default: ${DEFAULT-VALUE}, some 40"
              + " words a minute).")
  private double typing;

  @Option(
      names = "--longest",
      defaultValue = "60s",
      paramLabel = "TIME",
      converter = DurationText.class,
      description = "What takes longer counts as this: people go away (default: ${DEFAULT-VALUE}).")
  private Duration longest = Duration.ofSeconds(60);

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = TimeText.class,
      description = "Only decisions of this time or later, such as 2026-05-01T00:00:00Z.")
  private @Nullable Instant since;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;
  @Spec private CommandSpec spec = CommandSpec.create();

  GateTimesCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    if (!(typing > 0 && typing <= 50)) {
      throw new ParameterException(
          spec.commandLine(), "--typing: " + typing + " (expected: above 0 to 50)");
    }
    List<TimedSuggestion> log = new ArrayList<>();
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
      new GrpcTimeLog(mesh.channel()).read(target.metadata(), Optional.ofNullable(since), log::add);
    }
    try {
      show(TimesEstimate.of(log, typing, longest.toMillis() / 1e3));
      return Exit.OK.code();
    } catch (UnusableLogException e) {
      throw GateCommand.unusable("the feedback log of a mesh", e);
    }
  }

  private void show(TimesEstimate times) {
    TextTable table = TextTable.headed("time", "seconds", "at 95 %", "suggestions");
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    row(table, document, "verification", times.verification());
    row(table, document, "waiting", times.waiting());
    row(table, document, "writing", times.writing());
    row(table, document, "editing", times.editing());
    printing.table(table);
    OptionalDouble line = times.rule().threshold();
    line.ifPresent(p -> document.put("shown_above", p));
    printing.document(document);
    printing.line(meaning(line));
    String tenant = target.metadata().getTenant();
    printing.line("");
    for (String name : List.of("verification", "waiting", "writing", "editing")) {
      printing.line(
          String.format(
              Locale.ROOT,
              "ballast.safety.utility.%s.%s=PT%.3fS",
              tenant.isEmpty() ? "default" : tenant,
              name,
              document.path(name).path("seconds").asDouble()));
    }
  }

  private static String meaning(OptionalDouble line) {
    if (line.isEmpty()) {
      return "Editing takes longer than writing: by these times nothing is saved, and the gate would"
          + " show everything.";
    }
    return line.getAsDouble() >= 1
        ? String.format(
            Locale.ROOT,
            "By these times even a sure acceptance saves nothing (the line is at %.3f): nothing"
                + " would be shown.",
            line.getAsDouble())
        : String.format(
            Locale.ROOT,
            "Shown would be what is accepted with a probability above %.3f.",
            line.getAsDouble());
  }

  private static void row(
      TextTable table, ObjectNode document, String name, TimesEstimate.Part part) {
    table.row(
        name,
        String.format(Locale.ROOT, "%.3f", part.seconds().estimate()),
        String.format(Locale.ROOT, "%.3f to %.3f", part.seconds().low(), part.seconds().high()),
        String.format(Locale.ROOT, "%,d", part.observations()));
    document
        .putObject(name)
        .put("seconds", part.seconds().estimate())
        .put("low", part.seconds().low())
        .put("high", part.seconds().high())
        .put("suggestions", part.observations());
  }
}
