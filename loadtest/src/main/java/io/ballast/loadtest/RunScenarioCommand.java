package io.ballast.loadtest;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.report.LoadPage;
import io.ballast.loadtest.report.LoadReport;
import io.ballast.loadtest.report.LoadTable;
import io.ballast.loadtest.run.Launch;
import io.ballast.loadtest.run.LoadRun;
import io.ballast.loadtest.run.MemorySource;
import io.ballast.loadtest.run.MeshPlace;
import io.ballast.loadtest.run.RefusedLoadException;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Loads a running mesh as a scenario says. */
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Loads a running mesh as a file says, looks at the answers, and judges by the file's SLOs.",
      "The generator measures itself first; where it does not keep up, nothing is reported."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:PASS: everything that the scenario asks for held",
      "1:FAIL: something did not, or the mesh refused the first calls",
      "2:an option or the scenario is wrong; its key is named",
      "3:nothing answers at --target",
      "5:INVALID: the generator did not keep up"
    })
final class RunScenarioCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "FILE", description = "The scenario, YAML.")
  private Path file = Path.of("");

  @Mixin private TargetOptions targets = new TargetOptions();

  @Mixin private ProcessOptions processes = new ProcessOptions();

  @Mixin private MemoryOptions memory = new MemoryOptions();

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the result here; - prints it.")
  private @Nullable Path json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write a page with plots here; it needs no network.")
  private @Nullable Path html;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Map<String, String> environment;

  RunScenarioCommand(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    LoadScenario scenario;
    Credentials credentials;
    MeshPlace place;
    try {
      scenario = ScenarioReader.read(file, LoadTexts.PROMPTS);
      credentials = Credentials.of(environment);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    Launch launch;
    MemorySource source;
    try {
      place = targets.place(credentials);
      launch = processes.launch(file);
      source = memory.source();
      if (scenario.memoryGrowth().isPresent() && source == null) {
        throw new IllegalArgumentException(
            "pid: absent (expected: it or --metrics, since the scenario has checks.memory_growth)");
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
    try {
      return report(new LoadRun(place, launch, source).run(scenario));
    } catch (RefusedLoadException e) {
      spec.commandLine().getErr().println(e.getMessage());
      return e.unreachable() ? LoadExit.UNREACHABLE : LoadExit.FAIL;
    }
  }

  private int report(LoadReport report) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    Path machine = json;
    if (machine != null && machine.toString().equals("-")) {
      out.println(report.json().toPrettyString());
    } else {
      out.print(LoadTable.of(report));
      if (machine != null) {
        Files.writeString(machine, report.json().toPrettyString() + "\n");
      }
    }
    if (html != null) {
      Files.writeString(html, LoadPage.html(report), StandardCharsets.UTF_8);
    }
    out.flush();
    return LoadExit.of(report.verdict());
  }
}
