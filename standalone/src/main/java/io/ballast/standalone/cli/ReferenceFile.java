package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.AskedItems.LeftOut;
import io.ballast.inference.brought.BroughtItem;
import io.ballast.inference.brought.ReferenceAnswers;
import io.ballast.inference.brought.ReferenceAnswers.Answer;
import io.ballast.kit.call.Texts;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A file of answers, one JSON object a line with {@code prompt} and {@code completion}. */
final class ReferenceFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ReferenceFile() {}

  /** A line that is no answer. */
  private static final class Flaw extends Exception {
    private static final long serialVersionUID = 1L;

    Flaw(String message) {
      super(message);
    }
  }

  /**
   * Reads a file; blank lines say nothing.
   *
   * @param skipBad whether lines that are no answers are left out, and told, rather than refused
   * @throws CommandFailure naming the first line that is bad, or if it is no file that can be read
   */
  static ReferenceAnswers read(Path file, boolean skipBad) throws IOException {
    List<Answer> answers = new ArrayList<>();
    List<LeftOut> unread = new ArrayList<>();
    int number = 0;
    try (BufferedReader lines =
        Files.newBufferedReader(InputFile.require(file), StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        String at = at(file, number);
        try {
          answers.add(new Answer(at, item(line)));
        } catch (Flaw flaw) {
          LeftOut told = new LeftOut(at, String.valueOf(flaw.getMessage()));
          if (!skipBad) {
            throw bad(told + "; --skip-bad leaves such lines out");
          }
          unread.add(told);
        }
      }
    } catch (MalformedInputException e) {
      throw bad(at(file, number + 1) + " or a later one: not UTF-8");
    }
    if (answers.isEmpty()) {
      throw bad(
          "%s: no line that can be used, %s (expected: at least two)"
              .formatted(file.getFileName(), Texts.counted(unread.size(), "bad one")));
    }
    return new ReferenceAnswers(answers, unread, skipBad);
  }

  private static String at(Path file, int number) {
    return file.getFileName() + ": line " + number;
  }

  private static BroughtItem item(String line) throws Flaw {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new Flaw("not JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""));
    }
    JsonNode prompt = json.path("prompt");
    JsonNode completion = json.path("completion");
    if (prompt.isTextual() && completion.isTextual()) {
      return new BroughtItem.Texts(prompt.asText(), completion.asText());
    }
    if (prompt.isArray() && completion.isArray()) {
      return new BroughtItem.Tokens(tokens("prompt", prompt), tokens("completion", completion));
    }
    throw new Flaw("prompt and completion (expected: two texts, or two lists of token ids)");
  }

  private static TokenIds tokens(String field, JsonNode list) throws Flaw {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!list.path(i).isInt()) {
        throw new Flaw(
            "%s[%d]: %s (expected: a token id)"
                .formatted(field, i, Excerpt.of(list.path(i).toString(), 40)));
      }
      ids[i] = list.path(i).asInt();
    }
    return TokenIds.of(ids);
  }

  private static CommandFailure bad(String line) {
    return new CommandFailure(Exit.FAILED, "BAD_ROWS", line);
  }
}
