package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.BroughtItem;
import io.ballast.inference.brought.ReferenceAnswers.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A file of answers, one JSON object a line with {@code prompt} and {@code completion}. */
final class ReferenceFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ReferenceFile() {}

  /**
   * Reads a file; blank lines say nothing.
   *
   * @throws CommandFailure naming the first line that is bad
   */
  static List<Answer> read(Path file) throws IOException {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new CommandFailure(Exit.FAILED, "NO_FILE", file + ": no file that can be read");
    }
    List<Answer> items = new ArrayList<>();
    int number = 0;
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          String at = file.getFileName() + ": line " + number;
          items.add(new Answer(at, item(at + ": ", line)));
        }
      }
    }
    if (items.isEmpty()) {
      throw bad(file.getFileName() + ": ", "no line (expected: at least two)");
    }
    return items;
  }

  private static BroughtItem item(String at, String line) {
    try {
      JsonNode json = JSON.readTree(line);
      JsonNode prompt = json.path("prompt");
      JsonNode completion = json.path("completion");
      if (prompt.isTextual() && completion.isTextual()) {
        return new BroughtItem.Texts(prompt.asText(), completion.asText());
      }
      if (prompt.isArray() && completion.isArray()) {
        return new BroughtItem.Tokens(
            tokens(at + "prompt", prompt), tokens(at + "completion", completion));
      }
      throw bad(at, "prompt and completion (expected: two texts, or two lists of token ids)");
    } catch (JsonProcessingException e) {
      throw bad(at, "not JSON: " + e.getOriginalMessage());
    }
  }

  private static TokenIds tokens(String at, JsonNode list) {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!list.path(i).isInt()) {
        throw bad(at, "[" + i + "]: " + list.path(i) + " (expected: a token id)");
      }
      ids[i] = list.path(i).asInt();
    }
    return TokenIds.of(ids);
  }

  private static CommandFailure bad(String at, String what) {
    return new CommandFailure(Exit.FAILED, "BAD_FILE", at + what);
  }
}
