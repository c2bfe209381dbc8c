package io.ballast.bulk;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A data set of plain and packed files, some of whose rows are no rows, and what must come of each.
 */
final class DataSet {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final Map<String, JsonNode> expected = new LinkedHashMap<>();

  /** Writes {@code rows} rows as three files. */
  DataSet(Path folder, int rows) throws IOException {
    this.folder = folder;
    Files.createDirectories(folder.resolve("more"));
    write("first.jsonl", 0, rows / 2);
    write("more/second.jsonl.gz", rows / 2, rows * 3 / 4);
    write("third.jsonl", rows * 3 / 4, rows);
  }

  Path folder() {
    return folder;
  }

  /** Returns what must be in the output, by file and line. */
  Map<String, JsonNode> expected() {
    return expected;
  }

  private void write(String name, int from, int to) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream plain = Files.newOutputStream(file);
        OutputStream out = name.endsWith(".gz") ? new GZIPOutputStream(plain) : plain) {
      long line = 0;
      for (int i = from; i < to; i++) {
        if (i % 10 == 3) {
          out.write("  \n".getBytes(UTF_8)); // a blank line is no row, but counts
          line++;
        }
        line++;
        out.write(row(i, name, line));
        out.write('\n');
      }
    }
  }

  private byte[] row(int i, String file, long line) throws IOException {
    String place = file + ":" + line;
    if (i % 97 == 5) {
      expected.put(place, failed(null));
      return "{\"id\": %d, \"prompt\": ".formatted(i).getBytes(UTF_8);
    }
    if (i % 89 == 7) {
      expected.put(place, failed(null));
      return new byte[] {'{', '"', 'i', 'd', '"', ':', '"', (byte) 0xC3, '"', '}'};
    }
    if (i % 83 == 11) {
      expected.put(place, failed(JSON.readTree("\"row " + i + "\"")));
      return "{\"id\": \"row %d\", \"prompt\": \"p\", \"completion\": null}"
          .formatted(i)
          .getBytes(UTF_8);
    }
    String mood = i % 53 == 1 ? "long " : i % 71 == 2 ? "broken " : "";
    String prompt = mood + "prompt número " + i;
    List<String> completions = i % 4 == 0 ? List.of("a" + i, "b" + i, "c" + i) : List.of("d" + i);
    var row = JSON.createObjectNode().put("id", i).put("prompt", prompt).put("grade", 3);
    var results = JSON.createArrayNode();
    for (String completion : completions) {
      MoodyMesh.failure(prompt)
          .ifPresentOrElse(
              reason ->
                  results
                      .addObject()
                      .putObject("failure")
                      .put("reason", reason.name().replace("FAILURE_REASON_", ""))
                      .put("message", "as the prompt asks"),
              () ->
                  results
                      .addObject()
                      .put("value", MoodyMesh.value(prompt, completion))
                      .put("spread", 0.25));
    }
    if (completions.size() == 1) {
      row.put("completion", completions.getFirst());
    } else {
      row.set("completions", JSON.valueToTree(completions));
    }
    var line0 = JSON.createObjectNode();
    line0.put("id", i).put("file", file).put("line", line).put("model", "moody/7");
    line0.set("results", results);
    expected.put(place, JSON.readTree(line0.toString())); // numbers of the kinds that are read
    return JSON.writeValueAsBytes(row);
  }

  /** A row without results; its words are Jackson's. */
  private static JsonNode failed(@Nullable JsonNode id) {
    var node = JSON.createObjectNode();
    if (id != null) {
      node.set("id", id);
    }
    node.putObject("failure").put("reason", "INVALID_INPUT");
    return node;
  }
}
