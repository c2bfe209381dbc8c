package io.ballast.workshop.scoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.TokenIds;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Labelled groups as JSON lines, compressed if the file's name ends in {@code .gz}. A line is
 *
 * <pre>{"file": "…", "prompt_tokens": […], "completions":
 *   [{"tokens": […], "saved": n, "kept": n, "harm": 0 or 1}, …]}</pre>
 */
public final class LabelledGroups {
  private static final ObjectMapper JSON = new ObjectMapper();

  private LabelledGroups() {}

  /** Writes groups one at a time; close it, or the file is not whole. Not thread-safe. */
  public static final class Writer implements AutoCloseable {
    private final BufferedWriter out;

    private Writer(BufferedWriter out) {
      this.out = out;
    }

    /** Appends one line. */
    public void write(LabelledGroup group) throws IOException {
      ObjectNode json = JSON.createObjectNode().put("file", group.file());
      put(json.putArray("prompt_tokens"), group.prompt());
      ArrayNode completions = json.putArray("completions");
      for (LabelledCompletion completion : group.completions()) {
        ObjectNode entry = completions.addObject();
        put(entry.putArray("tokens"), completion.tokens());
        entry.put("saved", completion.saved());
        entry.put("kept", completion.kept());
        entry.put("harm", completion.harmful() ? 1 : 0);
      }
      out.write(JSON.writeValueAsString(json));
      out.write('\n');
    }

    private static void put(ArrayNode array, TokenIds tokens) {
      for (int i = 0; i < tokens.size(); i++) {
        array.add(tokens.get(i));
      }
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }

  /** Opens a new file, replacing what is there. */
  public static Writer writer(Path file) throws IOException {
    OutputStream bytes = Files.newOutputStream(file);
    try {
      OutputStream stream = isCompressed(file) ? new GZIPOutputStream(bytes) : bytes;
      return new Writer(new BufferedWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8)));
    } catch (IOException e) {
      bytes.close();
      throw e;
    }
  }

  /**
   * Reads all groups of a file, in order.
   *
   * @throws IOException if it cannot be read, or a line is not as above; named
   */
  public static List<LabelledGroup> read(Path file) throws IOException {
    List<LabelledGroup> groups = new ArrayList<>();
    try (InputStream bytes = Files.newInputStream(file);
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(
                    isCompressed(file) ? new GZIPInputStream(bytes) : bytes,
                    StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        try {
          groups.add(parse(JSON.readTree(line)));
        } catch (IOException | IllegalArgumentException e) {
          throw new IOException(file + ", line " + (groups.size() + 1) + ": " + e.getMessage(), e);
        }
      }
    }
    return groups;
  }

  private static boolean isCompressed(Path file) {
    return file.toString().endsWith(".gz");
  }

  private static LabelledGroup parse(JsonNode json) {
    JsonNode list = array(json, "completions");
    List<LabelledCompletion> completions = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      JsonNode entry = list.path(i);
      int harm = integer(entry, "harm");
      if (harm != 0 && harm != 1) {
        throw new IllegalArgumentException(
            "completions[" + i + "].harm: " + harm + " (expected: 0 or 1)");
      }
      completions.add(
          new LabelledCompletion(
              tokens(entry, "tokens"), integer(entry, "saved"), integer(entry, "kept"), harm == 1));
    }
    JsonNode file = json.path("file");
    if (!file.isTextual()) {
      throw new IllegalArgumentException("file: " + file + " (expected: a text)");
    }
    return new LabelledGroup(file.asText(), tokens(json, "prompt_tokens"), completions);
  }

  private static TokenIds tokens(JsonNode object, String field) {
    JsonNode list = array(object, field);
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!list.path(i).isInt()) {
        throw new IllegalArgumentException(
            field + "[" + i + "]: " + list.path(i) + " (expected: a token id)");
      }
      ids[i] = list.path(i).asInt();
    }
    return TokenIds.of(ids);
  }

  private static JsonNode array(JsonNode object, String field) {
    JsonNode list = object.path(field);
    if (!list.isArray()) {
      throw new IllegalArgumentException(field + ": " + list + " (expected: a list)");
    }
    return list;
  }

  private static int integer(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isInt()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a whole number)");
    }
    return node.asInt();
  }
}
