package io.ballast.standalone.cli;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the script that completes {@code mesh} in bash and zsh. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Prints the completion script for bash and zsh: source <(./mesh completion)")
final class CompletionCommand implements Runnable {
  /** What the script does itself, with what it says of it. */
  private static final String[][] OF_THE_SCRIPT = {
    {"test", "Runs all tests."},
    {"check", "Formatting, Error Prone, NullAway, protos, manifests, architecture."},
    {"fmt", "Formats the code."},
    {"image", "Builds the container image."},
    {"build", "Builds what is missing or stale."}
  };

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    CommandSpec root = spec.root();
    for (String[] command : OF_THE_SCRIPT) {
      if (!root.subcommands().containsKey(command[0])) {
        CommandSpec shown = CommandSpec.create().name(command[0]).mixinStandardHelpOptions(true);
        shown.usageMessage().description(command[1]);
        root.addSubcommand(command[0], new CommandLine(shown));
      }
    }
    spec.commandLine().getOut().print(AutoComplete.bash("mesh", root.commandLine()));
    spec.commandLine().getOut().flush();
  }
}
