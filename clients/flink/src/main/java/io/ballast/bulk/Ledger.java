package io.ballast.bulk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Holds committed output against the input: which rows are there, which twice, which not. It needs
 * a bit for each line.
 */
final class Ledger {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, BitSet> seen = new HashMap<>();
  private final Map<String, Long> failures = new TreeMap<>();
  private long rows;
  private long twice;
  private long values;

  /** Reads the output's files. */
  static Ledger read(List<Path> output) throws IOException {
    Ledger ledger = new Ledger();
    for (Path file : output) {
      try (BufferedReader lines = Files.newBufferedReader(file)) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          ledger.add(JSON.readTree(line));
        }
      }
    }
    return ledger;
  }

  private void add(JsonNode row) {
    BitSet lines = seen.computeIfAbsent(row.path("file").asText(), absent -> new BitSet());
    int line = row.path("line").asInt();
    rows++;
    if (lines.get(line)) {
      twice++;
    }
    lines.set(line);
    failure(row);
    for (JsonNode result : row.path("results")) {
      if (result.path("value").isNumber()) {
        values++;
      } else {
        failure(result);
      }
    }
  }

  private void failure(JsonNode node) {
    JsonNode reason = node.path("failure").path("reason");
    if (reason.isTextual()) {
      failures.merge(reason.asText(), 1L, Long::sum);
    }
  }

  /** Returns how many rows of the input are not there. */
  long missing(List<InputFile> inputs) throws IOException {
    long[] missing = {0};
    for (InputFile file : inputs) {
      BitSet lines = seen.getOrDefault(file.name(), new BitSet());
      NumberedLines.visit(
          file,
          line -> {
            if (!lines.get(Math.toIntExact(line.number))) {
              missing[0]++;
            }
          });
    }
    return missing[0];
  }

  /** Returns how many rows are there again. */
  long twice() {
    return twice;
  }

  Summary summary(PinnedModel model) {
    return new Summary(rows, values, failures, model.toString());
  }
}
