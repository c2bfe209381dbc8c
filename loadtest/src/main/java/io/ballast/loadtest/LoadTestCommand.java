package io.ballast.loadtest;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.scenario.CallKind;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Loads a running mesh and shows what its callers would meet. */
@Command(
    name = "loadtest",
    mixinStandardHelpOptions = true,
    description = "Loads a running mesh and says what it bears.")
public final class LoadTestCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  private LoadTestCommand() {}

  /** The command by the machine's clock, with those below it. */
  public static CommandLine commandLine() {
    return commandLine(new SystemPacer(), System.getenv());
  }

  /** The same by another clock, which finds {@link Credentials} elsewhere. */
  public static CommandLine commandLine(Pacer pacer, Map<String, String> environment) {
    CommandLine line =
        new CommandLine(new LoadTestCommand())
            .addSubcommand("suggest", new SteadyLoadCommand(CallKind.SUGGEST, pacer, environment))
            .addSubcommand("score", new SteadyLoadCommand(CallKind.SCORE, pacer, environment))
            .addSubcommand("run", new RunScenarioCommand(environment))
            .addSubcommand("find", new FindRateCommand(environment))
            .addSubcommand("compare", new CompareLoadsCommand());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    return line;
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(),
        "nothing to do (expected: one of "
            + String.join(", ", spec.commandLine().getSubcommands().keySet())
            + ")");
  }
}
