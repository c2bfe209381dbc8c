package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.FEEDBACK_PROMPTS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MAX_BAD_ROWS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMPT_COLUMN;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SOURCE_WEIGHT;

import java.util.List;

/** Reads where prompts come from. */
final class PromptSpecReader {
  private static final int MAX_FEEDBACK = 1_000_000;
  private static final int MAX_SOURCES = 64;
  private static final int MOST_BAD_ROWS = 1_000_000_000;
  private static final String PROMPTS = "prompts";
  private static final String INLINE = "inline";
  private static final String FILE = "file";
  private static final String FEEDBACK = "feedback";
  private static final String GROUPS = "groups";
  private static final String COLUMN = "column";
  private static final String WEIGHT = "weight";
  private static final String BAD_ROWS = "max_bad_rows";
  private static final List<String> TRAINING = List.of(INLINE, FILE, FEEDBACK);
  private static final List<String> HELD_OUT = List.of(INLINE, FILE);

  private PromptSpecReader() {}

  /** What a run learns from: one source, or a list of them. */
  static List<DataSource> training(SpecNode root) {
    if (!root.isList(PROMPTS)) {
      SpecNode node = root.child(PROMPTS, INLINE, FILE, FEEDBACK, COLUMN, BAD_ROWS);
      return List.of(source(node, SOURCE_WEIGHT));
    }
    List<SpecNode> nodes =
        root.children(PROMPTS, MAX_SOURCES, INLINE, FILE, FEEDBACK, COLUMN, BAD_ROWS, WEIGHT);
    if (nodes.isEmpty()) {
      throw root.flaw(PROMPTS, "no source", "at least one");
    }
    return nodes.stream()
        .map(node -> source(node, node.number(WEIGHT, SOURCE_WEIGHT, v -> v > 0, "> 0")))
        .toList();
  }

  private static DataSource source(SpecNode node, double weight) {
    PromptSource rows = rows(node, TRAINING);
    if (node.has(BAD_ROWS) && rows instanceof PromptSource.Inline) {
      throw node.flaw(BAD_ROWS, "beside inline", "none: what is in the spec can be mended there");
    }
    long otherwise = rows instanceof PromptSource.Feedback ? Long.MAX_VALUE : MAX_BAD_ROWS;
    long most = node.has(BAD_ROWS) ? node.integer(BAD_ROWS, 0, 0, MOST_BAD_ROWS) : otherwise;
    return new DataSource(rows, weight, most);
  }

  /** The prompts of a test, which may have groups. */
  static PromptSource heldOut(SpecNode parent) {
    SpecNode node = parent.child(PROMPTS, INLINE, FILE, GROUPS, COLUMN);
    PromptSource source = rows(node, HELD_OUT);
    if (node.has(GROUPS) && !node.has(INLINE)) {
      throw node.flaw(GROUPS, "beside file", "none: each line of the file says its own");
    }
    return source;
  }

  /** Exactly one of {@code kinds}. */
  private static PromptSource rows(SpecNode node, List<String> kinds) {
    List<String> given = kinds.stream().filter(node::has).toList();
    if (given.size() != 1) {
      throw node.flaw(
          given.isEmpty() ? "no source" : String.join(" and ", given),
          "exactly one of " + String.join(", ", kinds));
    }
    if (node.has(COLUMN) && !node.has(FILE)) {
      throw node.flaw(COLUMN, "beside " + given.getFirst(), "none: only a file has columns");
    }
    return switch (given.getFirst()) {
      case INLINE ->
          new PromptSource.Inline(
              new GroupedPrompts(node.texts(INLINE, List.of()), node.texts(GROUPS, List.of())));
      case FILE -> new PromptSource.InFile(node.text(FILE, ""), node.text(COLUMN, PROMPT_COLUMN));
      default ->
          new PromptSource.Feedback(
              node.child(FEEDBACK, "max").integer("max", FEEDBACK_PROMPTS, 1, MAX_FEEDBACK));
    };
  }
}
