package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.Refusal.Reason;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Lays groups into rows and rows into runs.
 *
 * <p>What a completion is scored with never depends on its siblings: a prompt that does not fit is
 * cut from the left by the completion's own length (at least the reserve), and completions that cut
 * it alike share a row.
 */
final class RowPacker {
  /** One completion's place in the caller's list. */
  record Slot(int group, int completion, TokenIds tokens) {}

  /** One row: a prompt, cut if need be, and at least one completion. */
  record Row(TokenIds prompt, List<Slot> slots) {
    int length() {
      return prompt.size() + slots.stream().mapToInt(slot -> slot.tokens().size()).sum();
    }

    int longest() {
      return slots.stream().mapToInt(slot -> slot.tokens().size()).max().orElse(0);
    }
  }

  private final PackingOptions options;

  RowPacker(PackingOptions options) {
    this.options = options;
  }

  /** Returns why a completion cannot be scored; empty if it can. */
  Optional<Refusal> refusal(ScoringGroup group, int index) {
    TokenIds tokens = group.completions().get(index);
    if (group.prompt().size() == 0) {
      return Optional.of(new Refusal(Reason.EMPTY, "prompt: no tokens (expected: ≥ 1)"));
    }
    if (tokens.size() == 0) {
      return Optional.of(
          new Refusal(Reason.EMPTY, "completions[" + index + "]: no tokens (expected: ≥ 1)"));
    }
    int limit = options.contextTokens() - 1;
    if (tokens.size() > limit) {
      return Optional.of(
          new Refusal(
              Reason.TOO_LONG,
              "completions[" + index + "]: " + tokens.size() + " tokens, limit " + limit));
    }
    return invalid(group.prompt(), "prompt")
        .or(() -> invalid(tokens, "completions[" + index + "]"));
  }

  private Optional<Refusal> invalid(TokenIds tokens, String name) {
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i) < 0 || tokens.get(i) >= options.vocabularySize()) {
        return Optional.of(
            new Refusal(
                Reason.INVALID_TOKEN,
                name
                    + "["
                    + i
                    + "]: "
                    + tokens.get(i)
                    + " (expected: ≥ 0 and < "
                    + options.vocabularySize()
                    + ")"));
      }
    }
    return Optional.empty();
  }

  /** Returns the runs that score every completion that is not refused, each exactly once. */
  List<PackedRun> pack(List<ScoringGroup> groups) {
    List<Row> rows = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      addRows(g, groups.get(g), rows);
    }
    rows.sort(Comparator.comparingInt(Row::length));
    List<PackedRun> runs = new ArrayList<>();
    List<Row> current = new ArrayList<>();
    int completions = 0;
    int longest = 0;
    for (Row row : rows) {
      int withRow = completions + row.slots().size();
      int longestWithRow = Math.max(longest, row.longest());
      boolean full =
          (current.size() + 1) * row.length() > options.runTokens()
              || withRow * longestWithRow > options.runPredictions();
      if (full && !current.isEmpty()) {
        runs.add(new PackedRun(current));
        current = new ArrayList<>();
        withRow = row.slots().size();
        longestWithRow = row.longest();
      }
      current.add(row);
      completions = withRow;
      longest = longestWithRow;
    }
    if (!current.isEmpty()) {
      runs.add(new PackedRun(current));
    }
    return runs;
  }

  /** Returns the rows of one group, those of a shorter prompt first. */
  List<ScoringRow> rows(ScoringGroup group) {
    List<Row> rows = new ArrayList<>();
    addRows(0, group, rows);
    return rows.stream()
        .map(
            row ->
                new ScoringRow(row.prompt(), row.slots().stream().map(Slot::completion).toList()))
        .toList();
  }

  private void addRows(int g, ScoringGroup group, List<Row> rows) {
    Map<Integer, List<Slot>> byPromptTokens = new TreeMap<>();
    for (int i = 0; i < group.completions().size(); i++) {
      if (refusal(group, i).isEmpty()) {
        TokenIds tokens = group.completions().get(i);
        byPromptTokens
            .computeIfAbsent(keptTokens(group.prompt(), tokens), kept -> new ArrayList<>())
            .add(new Slot(g, i, tokens));
      }
    }
    byPromptTokens.forEach(
        (kept, slots) -> {
          TokenIds prompt = group.prompt().last(kept);
          List<Slot> open = new ArrayList<>();
          int length = kept;
          for (Slot slot : slots) {
            boolean full = length + slot.tokens().size() > options.contextTokens();
            if (full && !open.isEmpty()) {
              rows.add(new Row(prompt, List.copyOf(open)));
              open.clear();
              length = kept;
            }
            open.add(slot);
            length += slot.tokens().size();
          }
          rows.add(new Row(prompt, List.copyOf(open)));
        });
  }

  /** How many of the prompt's last tokens a completion is scored with. */
  int keptTokens(TokenIds prompt, TokenIds completion) {
    return new ContextRoom(options.contextTokens(), options.reserveTokens())
        .keptTokens(prompt.size(), completion.size());
  }
}
