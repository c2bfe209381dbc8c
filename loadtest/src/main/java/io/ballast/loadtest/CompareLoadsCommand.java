package io.ballast.loadtest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.report.LoadComparison;
import io.ballast.loadtest.report.LoadComparison.Judgement;
import io.ballast.loadtest.report.LoadReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says in what two loads differ beyond noise. */
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Says in what two loads of a scenario differ beyond noise.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:the second is not worse",
      "1:the second is worse in something",
      "2:a file is no result, or they are of different loads",
      "6:the loads are too short to tell: three stretches at least are needed",
      "7:the second did not pass its own checks, whatever else is to be said of it"
    })
final class CompareLoadsCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "BEFORE", description = "A result of run --json.")
  private Path before = Path.of("");

  @Parameters(index = "1", paramLabel = "AFTER", description = "Another one.")
  private Path after = Path.of("");

  @Option(
      names = "--noise",
      defaultValue = "10",
      paramLabel = "PERCENT",
      description =
          "How far two loads of the same mesh may be apart, 0 to 100 (default: ${DEFAULT-VALUE}).")
  private double noisePercent;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    if (!(noisePercent >= 0 && noisePercent <= 100)) {
      throw usage("--noise: " + noisePercent + " (allowed: 0 to 100)");
    }
    JsonNode second = read(after);
    List<LoadComparison.Row> rows;
    try {
      rows = LoadComparison.of(read(before), second, noisePercent / 100);
    } catch (IllegalArgumentException e) {
      throw usage(String.valueOf(e.getMessage()));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        String.format(Locale.ROOT, "  %-38s %12s %12s", "mean of stretches", "before", "after"));
    rows.forEach(row -> out.println(row.text()));
    boolean worse = rows.stream().anyMatch(row -> row.judgement() == Judgement.WORSE);
    boolean unknown = rows.stream().allMatch(row -> row.judgement() == Judgement.UNKNOWN);
    boolean failed = !second.path("verdict").asText().equals(LoadReport.Verdict.PASS.name());
    if (failed) {
      out.println("AFTER did not pass its own checks:");
      second.path("reasons").forEach(reason -> out.println("  " + reason.asText()));
    }
    out.println(
        worse
            ? "WORSE beyond noise"
            : unknown
                ? "too short to tell: three stretches at least are needed"
                : "not worse beyond noise");
    out.flush();
    if (failed) {
      return LoadExit.AFTER_FAILED;
    }
    return worse ? LoadExit.FAIL : unknown ? LoadExit.TOO_SHORT : LoadExit.PASS;
  }

  private JsonNode read(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw usage("cannot read " + file + ": " + e.getMessage());
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
