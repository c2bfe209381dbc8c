package io.ballast.standalone.cli;

import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.PromptFile;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Goes on with a run, if need be with fresh prompts for its safety test. */
@Command(mixinStandardHelpOptions = true)
final class ResumeRunCommand extends RunsCommand.SteerRun {
  @Option(
      names = "--test-prompts",
      paramLabel = "FILE",
      description =
          "Held-out prompts in place of those that a safety test has used up, as in a spec.")
  private @Nullable Path testPrompts;

  ResumeRunCommand(CommandContext context) {
    super(context, RunsCommand.Steering.RESUME);
  }

  @Override
  GroupedPrompts testPrompts() throws IOException {
    if (testPrompts == null) {
      return GroupedPrompts.alone(List.of());
    }
    try {
      return PromptFile.all(testPrompts.toString(), InputFile.require(testPrompts));
    } catch (MeshException e) {
      throw new CommandFailure(Exit.FAILED, "BAD_ROW", String.valueOf(e.getMessage()));
    }
  }
}
