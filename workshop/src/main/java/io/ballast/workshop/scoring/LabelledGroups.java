package io.ballast.workshop.scoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
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
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Labelled groups as JSON lines, compressed if the file's name ends in {@code .gz}. A line is
 *
 * <pre>{"file": "…", "prompt_tokens": […], "prompt": "…", "completions":
 *   [{"tokens": […], "saved": n, "kept": n, "harm": 0 or 1,
 *     "text": "…", "log_probs": […], "stop_reason": "…", "outcome": "…"}, …]}</pre>
 *
 * <p>The prompt's text may be absent, and so may the last four of a completion, all together.
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
      if (!group.promptText().isEmpty()) {
        json.put("prompt", group.promptText());
      }
      ArrayNode completions = json.putArray("completions");
      for (LabelledCompletion completion : group.completions()) {
        ObjectNode entry = completions.addObject();
        put(entry.putArray("tokens"), completion.tokens());
        entry.put("saved", completion.saved());
        entry.put("kept", completion.kept());
        entry.put("harm", completion.harmful() ? 1 : 0);
        completion.drawn().ifPresent(drawn -> put(entry, drawn));
      }
      out.write(JSON.writeValueAsString(json));
      out.write('\n');
    }

    private static void put(ObjectNode entry, Drawn drawn) {
      entry.put("text", drawn.text());
      ArrayNode logProbs = entry.putArray("log_probs");
      for (float logProb : drawn.logProbs().toArray()) {
        logProbs.add(logProb);
      }
      entry.put("stop_reason", drawn.stopReason().name());
      entry.put("outcome", drawn.outcome().name());
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
              tokens(entry, "tokens"),
              integer(entry, "saved"),
              integer(entry, "kept"),
              harm == 1,
              entry.has("text") ? Optional.of(drawn(entry)) : Optional.empty()));
    }
    return new LabelledGroup(
        text(json, "file"),
        tokens(json, "prompt_tokens"),
        json.has("prompt") ? text(json, "prompt") : "",
        completions);
  }

  private static Drawn drawn(JsonNode entry) {
    JsonNode list = array(entry, "log_probs");
    float[] logProbs = new float[list.size()];
    for (int i = 0; i < logProbs.length; i++) {
      if (!list.path(i).isNumber()) {
        throw new IllegalArgumentException(
            "log_probs[" + i + "]: " + list.path(i) + " (expected: a number)");
      }
      logProbs[i] = list.path(i).floatValue();
    }
    return new Drawn(
        text(entry, "text"),
        PerToken.of(logProbs),
        choice(StopReason.class, entry, "stop_reason"),
        choice(Outcome.class, entry, "outcome"));
  }

  private static String text(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isTextual()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a text)");
    }
    return node.asText();
  }

  private static <E extends Enum<E>> E choice(Class<E> type, JsonNode object, String field) {
    String name = object.path(field).asText();
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(name)) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        field
            + ": "
            + object.path(field)
            + " (expected: one of "
            + Arrays.toString(type.getEnumConstants())
            + ")");
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
