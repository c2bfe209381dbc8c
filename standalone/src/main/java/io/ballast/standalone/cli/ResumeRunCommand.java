package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Goes on with a run, if need be with fresh prompts for its safety test. */
@Command(mixinStandardHelpOptions = true)
final class ResumeRunCommand extends RunsCommand.SteerRun {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = "--test-prompts",
      paramLabel = "FILE.jsonl",
      description =
          "Held-out prompts in place of those that an aborted safety test has used up, as in a spec.")
  private @Nullable Path testPrompts;

  ResumeRunCommand(CommandContext context) {
    super(context, RunsCommand.Steering.RESUME);
  }

  @Override
  List<String> testPrompts() throws IOException {
    if (testPrompts == null) {
      return List.of();
    }
    List<String> prompts = new ArrayList<>();
    List<String> lines = Files.readAllLines(InputFile.require(testPrompts));
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        prompts.add(prompt(i + 1, lines.get(i)));
      }
    }
    return prompts;
  }

  private String prompt(int line, String text) {
    try {
      JsonNode json = JSON.readTree(text);
      JsonNode prompt = json.isObject() ? json.path("prompt") : json;
      if (prompt.isTextual()) {
        return prompt.textValue();
      }
    } catch (JsonProcessingException e) {
      // told below, with the line
    }
    throw new CommandFailure(
        Exit.FAILED,
        "BAD_ROW",
        "%s, line %d: no prompt (expected: a JSON string, or an object with the key \"prompt\")"
            .formatted(testPrompts, line));
  }
}
