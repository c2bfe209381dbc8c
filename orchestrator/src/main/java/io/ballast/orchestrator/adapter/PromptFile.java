package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.training.data.Row;
import io.ballast.training.data.RowFile;
import io.ballast.training.data.Rows;
import io.ballast.training.data.UnreadableFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Prompts in a file: Parquet, or JSON lines, plain or by gzip. Of JSON each row is a string, or an
 * object; of those and of Parquet a column has the prompt and {@code group} its group, if any, and
 * others what people said of completions.
 */
public final class PromptFile {
  private static final String COLUMN = "prompt";
  private static final String GROUP = "group";
  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";
  private static final String COMPLETION = "completion";
  private static final String LABEL = "label";
  private static final int MAX_ROW_BYTES = 1 << 20;

  private PromptFile() {}

  /**
   * Reads it to its end.
   *
   * @param field named in failures
   * @param source what its rows are, and where each part of them stands
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if it is damaged, or has columns
   *     and not all of these
   */
  public static void read(
      String field, Path file, PromptSource.InFile source, PromptArchive.Sink sink)
      throws IOException {
    List<String> needed = needed(source);
    Set<String> wanted = new LinkedHashSet<>(needed);
    wanted.add(GROUP);
    try (Rows rows = RowFile.open(file, MAX_ROW_BYTES, wanted)) {
      for (String column : needed) {
        requireColumn(field, column, rows.columns().orElse(needed));
      }
      for (Row row = rows.next(); row != null; row = rows.next()) {
        switch (row) {
          case Row.Read(long number, JsonNode json) -> take(number, json, source, sink);
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
        new PromptSource.InFile("", COLUMN),
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
          "no column '%s' (expected: one of %s)"
              .formatted(PlainWords.name(column), String.join(", ", columns)));
    }
  }

  /** The columns that a Parquet file must have. */
  private static List<String> needed(PromptSource.InFile source) {
    List<String> needed = new ArrayList<>();
    needed.add(source.column());
    switch (source.rows()) {
      case PROMPTS -> {}
      case PAIRS -> needed.addAll(List.of(CHOSEN, REJECTED));
      case RATINGS -> needed.addAll(List.of(COMPLETION, LABEL));
    }
    if (!source.number().isEmpty()) {
      needed.add(source.number());
    }
    return needed;
  }

  private static void take(
      long number, JsonNode json, PromptSource.InFile source, PromptArchive.Sink sink) {
    String column = source.column();
    JsonNode prompt = json.isObject() ? json.path(column) : json;
    JsonNode group = json.path(GROUP);
    boolean alone = group.isMissingNode() || group.isNull();
    if (!prompt.isTextual()) {
      sink.bad(
          new BadRow(
              number,
              "no text but %s (expected: a JSON string, or an object with the key \"%s\")"
                  .formatted(kind(prompt), PlainWords.name(column))));
    } else if (!alone && (!group.isTextual() || group.textValue().isEmpty())) {
      sink.bad(
          new BadRow(
              number, "group: %s (expected: text, the group's name)".formatted(kind(group))));
    } else {
      String flaw = flaw(json, source);
      if (flaw != null) {
        sink.bad(new BadRow(number, flaw));
        return;
      }
      sink.row(
          new PromptRow(
              number,
              prompt.textValue(),
              alone ? "" : group.textValue(),
              json.path(source.number()).asDouble(),
              labels(json, source.rows())));
    }
  }

  /** What is wrong with what stands beside a prompt, or null. */
  private static @Nullable String flaw(JsonNode json, PromptSource.InFile source) {
    if (!source.number().isEmpty()) {
      JsonNode value = json.path(source.number());
      if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
        return "%s: %s (expected: a finite number for the curriculum)"
            .formatted(PlainWords.name(source.number()), kind(value));
      }
    }
    return switch (source.rows()) {
      case PROMPTS -> null;
      case PAIRS -> {
        String chosen = textFlaw(json, CHOSEN);
        yield chosen == null ? textFlaw(json, REJECTED) : chosen;
      }
      case RATINGS ->
          json.path(LABEL).isBoolean()
              ? textFlaw(json, COMPLETION)
              : "%s: %s (expected: true, it is good, or false)"
                  .formatted(LABEL, kind(json.path(LABEL)));
    };
  }

  private static @Nullable String textFlaw(JsonNode json, String key) {
    JsonNode value = json.path(key);
    return value.isTextual() && !value.textValue().isEmpty()
        ? null
        : "%s: %s (expected: text, at least one character)"
            .formatted(key, value.isTextual() ? "empty" : kind(value));
  }

  private static Labels labels(JsonNode json, PromptSource.Rows rows) {
    return switch (rows) {
      case PROMPTS -> Labels.NONE;
      case PAIRS -> new Labels(json.path(CHOSEN).textValue(), json.path(REJECTED).textValue());
      case RATINGS -> {
        String completion = json.path(COMPLETION).textValue();
        yield json.path(LABEL).booleanValue()
            ? new Labels(completion, "")
            : new Labels("", completion);
      }
    };
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
