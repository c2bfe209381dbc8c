package io.ballast.kit.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** An entry as a line of JSON, as exports have it, and trails that are files. */
public final class AuditLine {
  private static final ObjectMapper JSON = new ObjectMapper();

  private AuditLine() {}

  /** An entry as a line, without its end. */
  public static String of(AuditEntry entry) {
    try {
      return JSON.writeValueAsString(tree(entry));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /** An entry as a tree. */
  public static ObjectNode tree(AuditEntry entry) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("trail", entry.trail())
        .put("sequence", entry.sequence())
        .put("previous_sha256", entry.previousSha256())
        .put("sha256", entry.sha256())
        .put("content", entry.content());
  }

  /**
   * The entry of a line; what it does not have is empty, or 0.
   *
   * @throws JsonProcessingException if it is no JSON
   */
  public static AuditEntry read(String line) throws JsonProcessingException {
    JsonNode json = JSON.readTree(line);
    return new AuditEntry(
        json.path("trail").asText(),
        json.path("sequence").asLong(),
        json.path("content").asText(),
        json.path("previous_sha256").asText(),
        json.path("sha256").asText());
  }
}
