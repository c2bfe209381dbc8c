package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.audit.AuditEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Entries of audit trails in a file: a JSON object a line. */
final class AuditFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private AuditFile() {}

  /** An entry as a line. */
  static String line(AuditEntry entry) {
    try {
      return JSON.writeValueAsString(tree(entry));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /** An entry as a tree. */
  static ObjectNode tree(AuditEntry entry) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("trail", entry.trail())
        .put("sequence", entry.sequence())
        .put("previous_sha256", entry.previousSha256())
        .put("sha256", entry.sha256())
        .put("content", entry.content());
  }

  /** What an entry says; an empty object if that is no JSON. */
  static JsonNode content(AuditEntry entry) {
    try {
      return JSON.readTree(entry.content());
    } catch (JsonProcessingException e) {
      return JsonNodeFactory.instance.objectNode();
    }
  }

  /** Reads a file that export wrote. */
  static List<AuditEntry> read(Path file) {
    List<AuditEntry> entries = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        JsonNode json = JSON.readTree(line);
        entries.add(
            new AuditEntry(
                json.path("trail").asText(),
                json.path("sequence").asLong(),
                json.path("content").asText(),
                json.path("previous_sha256").asText(),
                json.path("sha256").asText()));
      }
      return entries;
    } catch (IOException e) {
      throw new CommandFailure(
          Exit.USAGE,
          "FILE",
          "%s: line %,d cannot be read: %s"
              .formatted(
                  file,
                  entries.size() + 1,
                  String.valueOf(e.getMessage()).lines().findFirst().orElse("")));
    }
  }
}
