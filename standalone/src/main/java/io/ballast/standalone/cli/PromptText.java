package io.ballast.standalone.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the text before the cursor. */
final class PromptText {
  private PromptText() {}

  static String read(@Nullable String prompt, @Nullable String file, @Nullable Integer line)
      throws IOException {
    String source = file == null && "-".equals(prompt) ? "-" : file;
    if (source == null) {
      if (prompt == null) {
        throw new CommandFailure(
            Exit.USAGE, "NO_PROMPT", "PROMPT: none given; see ./mesh suggest --help");
      }
      return prompt;
    }
    String text =
        source.equals("-")
            ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
            : Files.readString(Path.of(source));
    if (line == null) {
      return text;
    }
    List<String> lines = text.lines().toList();
    if (line < 1 || line > lines.size()) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_SUCH_LINE",
          "--line: " + line + " (allowed: 1 to " + lines.size() + ", the lines of " + source + ")");
    }
    return String.join("\n", lines.subList(0, line));
  }
}
