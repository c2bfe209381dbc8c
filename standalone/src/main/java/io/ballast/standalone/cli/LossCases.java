package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.error.MeshException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file of cases for {@link LossCase}: a JSON object a line, an answer a line. A case that cannot
 * be computed fails alone: its answer is {@code {"line", "error"}}.
 */
final class LossCases {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private LossCases() {}

  /** Prints an answer for each line of {@code file} that is not blank. */
  static Exit evaluate(Path file, PrintWriter out) {
    Exit exit = Exit.OK;
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        ObjectNode answer = answer(line, number);
        exit = answer.has("error") ? Exit.FAILED : exit;
        out.println(JSON.writeValueAsString(answer));
      }
    } catch (IOException e) {
      throw new CommandFailure(Exit.USAGE, "NO_SUCH_FILE", file + ": " + e.getMessage());
    }
    out.flush();
    return exit;
  }

  private static ObjectNode answer(String line, int number) {
    try {
      JsonNode tree = JSON.readTree(line);
      return LossCase.read(tree, JSON.convertValue(tree.path("recipe"), Object.class)).answer();
    } catch (JsonProcessingException e) {
      return failed(number, "no JSON: " + e.getOriginalMessage());
    } catch (MeshException | IllegalArgumentException | ArithmeticException e) {
      return failed(number, String.valueOf(e.getMessage()));
    }
  }

  private static ObjectNode failed(int number, String message) {
    return JSON.createObjectNode().put("line", number).put("error", message);
  }
}
