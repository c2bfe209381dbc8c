package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.training.data.Row;
import io.ballast.training.data.RowFile;
import io.ballast.training.data.Rows;
import io.ballast.training.data.UnreadableFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Prompts in a file: Parquet, or JSON lines, plain or by gzip. Of JSON each row is a string, or an
 * object; of those and of Parquet a column has the prompt and {@code group} its group, if any.
 */
public final class PromptFile {
  private static final String COLUMN = "prompt";
  private static final String GROUP = "group";
  private static final int MAX_ROW_BYTES = 1 << 20;

  private PromptFile() {}

  /**
   * Reads it to its end.
   *
   * @param field named in failures
   * @param column which has the prompt
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if it is damaged, or has columns
   *     and not this one
   */
  public static void read(String field, Path file, String column, PromptArchive.Sink sink)
      throws IOException {
    try (Rows rows = RowFile.open(file, MAX_ROW_BYTES, Set.of(column, GROUP))) {
      requireColumn(field, column, rows.columns().orElse(List.of(column)));
      for (Row row = rows.next(); row != null; row = rows.next()) {
        switch (row) {
          case Row.Read(long number, JsonNode json) -> take(number, json, column, sink);
          case Row.Bad(long number, String reason) -> sink.bad(new BadRow(number, reason));
        }
      }
    } catch (UnreadableFileException e) {
      throw Faults.malformed(field, String.valueOf(e.getMessage()));
    }
  }

  /**
   * All prompts of a file, of which every row must be good.
   *
   * @param field named in failures
   * @return no groups if no row has one; else an empty text for each row that has none
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first bad row
   */
  public static GroupedPrompts all(String field, Path file) throws IOException {
    List<String> prompts = new ArrayList<>();
    List<String> groups = new ArrayList<>();
    read(
        field,
        file,
        COLUMN,
        new PromptArchive.Sink() {
          @Override
          public void row(PromptRow row) {
            prompts.add(row.prompt());
            groups.add(row.group());
          }

          @Override
          public void bad(BadRow row) {
            throw Faults.malformed(field, row.toString());
          }
        });
    return GroupedPrompts.of(prompts, groups);
  }

  private static void requireColumn(String field, String column, List<String> columns) {
    if (!columns.contains(column)) {
      throw Faults.malformed(
          field,
          "no column '%s' (expected: one of %s)".formatted(column, String.join(", ", columns)));
    }
  }

  private static void take(long number, JsonNode json, String column, PromptArchive.Sink sink) {
    JsonNode prompt = json.isObject() ? json.path(column) : json;
    JsonNode group = json.path(GROUP);
    boolean alone = group.isMissingNode() || group.isNull();
    if (!prompt.isTextual()) {
      sink.bad(
          new BadRow(
              number,
              "no text but %s (expected: a JSON string, or an object with the key \"%s\")"
                  .formatted(kind(prompt), column)));
    } else if (!alone && (!group.isTextual() || group.textValue().isEmpty())) {
      sink.bad(
          new BadRow(
              number, "group: %s (expected: text, the group's name)".formatted(kind(group))));
    } else {
      sink.row(new PromptRow(number, prompt.textValue(), alone ? "" : group.textValue()));
    }
  }

  /** What a value is, without what it says. */
  private static String kind(JsonNode json) {
    return switch (json.getNodeType()) {
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      case BOOLEAN -> "true or false";
      case NUMBER -> "a number";
      case STRING -> "a text";
      case NULL -> "null";
      case MISSING, BINARY, POJO -> "nothing";
    };
  }
}
