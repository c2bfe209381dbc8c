package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.kit.call.Texts;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * A file of completions with gold rewards, one JSON object a line: {@code prompt_id}, {@code proxy}
 * and {@code gold}; or {@code prompt}, {@code completion} and {@code gold}, and then the prompt's
 * text is its id unless {@code prompt_id} is there too.
 *
 * @param rows those that can be used, in the file's order; all with a proxy reward or all without
 * @param skipped the flaws of those that cannot, each with its line
 */
record PoolFile(List<Row> rows, List<String> skipped) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();
  private static final double MOST = 1e100;

  PoolFile {
    rows = List.copyOf(rows);
    skipped = List.copyOf(skipped);
  }

  /**
   * A completion.
   *
   * @param line where it stands, from 1
   * @param promptId what tells its prompt from others
   * @param proxy its reward; empty: to be scored
   * @param prompt empty if it has a reward
   * @param completion empty if it has a reward
   */
  record Row(
      int line,
      String promptId,
      OptionalDouble proxy,
      String prompt,
      String completion,
      double gold) {}

  /** A line that is no row. */
  private static final class Flaw extends Exception {
    private static final long serialVersionUID = 1L;

    Flaw(String message) {
      super(message);
    }
  }

  /**
   * Reads a file.
   *
   * @param skipBad whether bad lines are counted rather than refused
   * @throws CommandFailure naming the first line that is bad, or if it is no file that can be read
   */
  static PoolFile read(Path file, boolean skipBad) throws IOException {
    List<Row> rows = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    int number = 0;
    @Nullable Boolean scored = null;
    try (BufferedReader lines =
        Files.newBufferedReader(InputFile.require(file), StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        try {
          Row row = row(number, line);
          if (scored != null && scored != row.proxy().isPresent()) {
            throw new Flaw(
                scored
                    ? "no proxy, which the rows before have (expected: all or none)"
                    : "a proxy, which the rows before do not have (expected: all or none)");
          }
          scored = row.proxy().isPresent();
          rows.add(row);
        } catch (Flaw flaw) {
          String told = file.getFileName() + ":" + number + ": " + flaw.getMessage();
          if (!skipBad) {
            throw new CommandFailure(
                Exit.FAILED,
                "BAD_ROWS",
                told + "; mend it, or leave such rows out with --skip-bad");
          }
          skipped.add(told);
        }
      }
    } catch (MalformedInputException e) {
      throw new CommandFailure(
          Exit.FAILED,
          "BAD_ROWS",
          "%s:%d or a later line: not UTF-8".formatted(file.getFileName(), number + 1));
    }
    if (rows.isEmpty()) {
      throw new CommandFailure(
          Exit.FAILED,
          "BAD_ROWS",
          "%s: no row that can be used, %s"
              .formatted(file, Texts.counted(skipped.size(), "bad one")));
    }
    return new PoolFile(rows, skipped);
  }

  private static Row row(int number, String line) throws Flaw {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new Flaw("no JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""));
    }
    if (!node.isObject()) {
      throw new Flaw("no JSON object");
    }
    double gold = number(node, "gold");
    if (node.has("proxy")) {
      return new Row(number, id(node), OptionalDouble.of(number(node, "proxy")), "", "", gold);
    }
    if (!node.has("completion")) {
      throw new Flaw("neither proxy nor completion (expected: one of them)");
    }
    String prompt = text(node, "prompt");
    return new Row(
        number,
        node.has("prompt_id") ? id(node) : prompt,
        OptionalDouble.empty(),
        prompt,
        text(node, "completion"),
        gold);
  }

  private static double number(JsonNode node, String name) throws Flaw {
    JsonNode value = node.path(name);
    if (!value.isNumber() || !(Math.abs(value.doubleValue()) <= MOST)) {
      throw new Flaw(name + ": " + shown(value) + " (expected: a finite number within ±1e100)");
    }
    return value.doubleValue();
  }

  private static String id(JsonNode node) throws Flaw {
    JsonNode id = node.path("prompt_id");
    if (!id.isTextual() && !id.isIntegralNumber()) {
      throw new Flaw("prompt_id: " + shown(id) + " (expected: a text or a whole number)");
    }
    return id.asText();
  }

  private static String text(JsonNode node, String name) throws Flaw {
    JsonNode value = node.path(name);
    if (!value.isTextual()) {
      throw new Flaw(name + ": " + shown(value) + " (expected: a text)");
    }
    return value.textValue();
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "absent" : Excerpt.of(value.toString(), 40);
  }
}
