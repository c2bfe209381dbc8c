package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.AuditLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Entries of audit trails in a file: a JSON object a line. */
final class AuditFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private AuditFile() {}

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
        entries.add(AuditLine.read(line));
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
