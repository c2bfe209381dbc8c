package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.standalone.cli.Examination.Finding;
import io.ballast.standalone.cli.Examination.Health;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks this machine, and says what to mend. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Checks this machine: JDK, memory, cores, disk, natives, PostgreSQL, models, ports.",
    footer = {"", "Exit code 1: something must be mended before a mesh runs here."})
final class DoctorCommand implements Callable<Integer> {
  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The mesh's data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_PORT:-9100}",
      description = "Where gRPC would listen (default: 9100, or $$BALLAST_PORT).")
  private int port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_HTTP_PORT:-9180}",
      description = "Where HTTP would listen (default: 9180, or $$BALLAST_HTTP_PORT).")
  private int httpPort;

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  DoctorCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    Path folder = data == null ? context.defaultDataFolder() : data.toAbsolutePath();
    Examination examination = new Examination(context, folder, port, httpPort);
    List<Finding> findings = new ArrayList<>();
    for (Examination.Step step : examination.steps()) {
      List<Finding> found = step.examine();
      findings.addAll(found);
      found.forEach(this::show);
    }
    long broken = findings.stream().filter(f -> f.health() == Health.BROKEN).count();
    long weak = findings.stream().filter(f -> f.health() == Health.WEAK).count();
    printing.line("");
    printing.line(
        broken > 0
            ? "To mend before a mesh runs here: " + broken
            : weak > 0 ? "A mesh runs here; " + weak + " to look at" : "All well");
    printing.document(document(findings));
    return (broken > 0 ? Exit.FAILED : Exit.OK).code();
  }

  private void show(Finding finding) {
    String mark =
        switch (finding.health()) {
          case GOOD -> "ok  ";
          case WEAK -> "look";
          case BROKEN -> "MEND";
        };
    printing.line(String.format("%s  %-12s %s", mark, finding.subject(), finding.detail()));
    if (!finding.mend().isEmpty()) {
      printing.line(" ".repeat(19) + "→ " + finding.mend());
    }
  }

  private static ObjectNode document(List<Finding> findings) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ArrayNode list = document.putArray("findings");
    for (Finding finding : findings) {
      list.addObject()
          .put("subject", finding.subject())
          .put("health", finding.health().name())
          .put("detail", finding.detail())
          .put("mend", finding.mend());
    }
    return document;
  }
}
