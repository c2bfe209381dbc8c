package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.FEEDBACK_PROMPTS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MAX_BAD_ROWS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMPT_COLUMN;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SOURCE_WEIGHT;

import io.ballast.orchestrator.core.data.Curriculum;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads where prompts come from. */
final class PromptSpecReader {
  private static final int MAX_FEEDBACK = 1_000_000;
  private static final int MAX_SOURCES = 64;
  private static final int MAX_ITERATIONS = 100_000;
  static final int MOST_BAD_ROWS = 1_000_000_000;
  private static final String PROMPTS = "prompts";
  private static final String INLINE = "inline";
  private static final String FILE = "file";
  private static final String FEEDBACK = "feedback";
  private static final String MAX = "max";
  private static final String FOLLOW = "follow";
  private static final String WAIT = "wait";
  private static final Duration MAX_WAIT = Duration.ofDays(1);
  private static final String GROUPS = "groups";
  private static final String COLUMN = "column";
  private static final String WEIGHT = "weight";
  private static final String BAD_ROWS = "max_bad_rows";
  private static final String CURRICULUM = "curriculum";
  private static final String PAIRS = PromptSource.Rows.PAIRS.key();
  private static final String RATINGS = PromptSource.Rows.RATINGS.key();
  private static final List<String> FILES = List.of(FILE, PAIRS, RATINGS);
  private static final List<String> TRAINING = List.of(INLINE, FILE, PAIRS, RATINGS, FEEDBACK);
  private static final List<String> HELD_OUT = List.of(INLINE, FILE);

  private PromptSpecReader() {}

  /** What a run learns from: one source, or a list of them. */
  static List<DataSource> training(SpecNode root) {
    if (!root.isList(PROMPTS)) {
      SpecNode node =
          root.child(PROMPTS, INLINE, FILE, PAIRS, RATINGS, FEEDBACK, COLUMN, BAD_ROWS, CURRICULUM);
      return List.of(source(node, SOURCE_WEIGHT));
    }
    List<SpecNode> nodes =
        root.children(
            PROMPTS,
            MAX_SOURCES,
            INLINE,
            FILE,
            PAIRS,
            RATINGS,
            FEEDBACK,
            COLUMN,
            BAD_ROWS,
            CURRICULUM,
            WEIGHT);
    if (nodes.isEmpty()) {
      throw root.flaw(PROMPTS, "no source", "at least one");
    }
    return nodes.stream()
        .map(node -> source(node, node.number(WEIGHT, SOURCE_WEIGHT, v -> v > 0, "> 0")))
        .toList();
  }

  private static DataSource source(SpecNode node, double weight) {
    Curriculum curriculum = curriculum(node);
    PromptSource rows = rows(node, TRAINING, curriculum == null ? "" : curriculum.field());
    if (node.has(BAD_ROWS) && rows instanceof PromptSource.Inline) {
      throw node.flaw(BAD_ROWS, "beside inline", "none: what is in the spec can be mended there");
    }
    if (node.has(BAD_ROWS) && rows instanceof PromptSource.Followed) {
      throw node.flaw(BAD_ROWS, "beside follow", "none: what people said is left out and counted");
    }
    boolean fixed = rows instanceof PromptSource.InFile || rows instanceof PromptSource.Inline;
    long otherwise = fixed ? MAX_BAD_ROWS : Long.MAX_VALUE;
    long most = node.has(BAD_ROWS) ? node.integer(BAD_ROWS, 0, 0, MOST_BAD_ROWS) : otherwise;
    return new DataSource(rows, weight, most, curriculum);
  }

  /** Null where the source is taken as it is. */
  private static @Nullable Curriculum curriculum(SpecNode parent) {
    if (!parent.has(CURRICULUM)) {
      return null;
    }
    if (FILES.stream().noneMatch(parent::has)) {
      throw parent.flaw(CURRICULUM, "beside no file", "none: only rows of a file have a number");
    }
    SpecNode node = parent.child(CURRICULUM, "field", "from", "to", "over");
    String field = node.requiredText("field", "the key, or the column, that has the number");
    double from = node.requiredNumber("from", _ -> true, "a number");
    double to = node.requiredNumber("to", v -> v >= from, "a number, at least from");
    if (!node.has("over")) {
      throw node.flaw("over", "absent", "how many iterations the way takes");
    }
    return new Curriculum(field, from, to, node.integer("over", 1, 1, MAX_ITERATIONS));
  }

  /** The prompts of a test, which may have groups. */
  static PromptSource heldOut(SpecNode parent) {
    SpecNode node = parent.child(PROMPTS, INLINE, FILE, GROUPS, COLUMN);
    PromptSource source = rows(node, HELD_OUT, "");
    if (node.has(GROUPS) && !node.has(INLINE)) {
      throw node.flaw(GROUPS, "beside file", "none: each line of the file says its own");
    }
    return source;
  }

  /**
   * Exactly one of {@code kinds}.
   *
   * @param number the key, or the column, of a curriculum; empty: there is none
   */
  private static PromptSource rows(SpecNode node, List<String> kinds, String number) {
    List<String> given = kinds.stream().filter(node::has).toList();
    if (given.size() != 1) {
      throw node.flaw(
          given.isEmpty() ? "no source" : String.join(" and ", given),
          "exactly one of " + String.join(", ", kinds));
    }
    if (node.has(COLUMN) && FILES.stream().noneMatch(node::has)) {
      throw node.flaw(COLUMN, "beside " + given.getFirst(), "none: only a file has columns");
    }
    return switch (given.getFirst()) {
      case INLINE ->
          new PromptSource.Inline(
              new GroupedPrompts(node.texts(INLINE, List.of()), node.texts(GROUPS, List.of())));
      case FEEDBACK -> feedback(node.child(FEEDBACK, MAX, FOLLOW, WAIT));
      default -> inFile(node, rowsOf(given.getFirst()), number);
    };
  }

  private static PromptSource feedback(SpecNode node) {
    if (!node.flag(FOLLOW, false)) {
      if (node.has(WAIT)) {
        throw node.flaw(WAIT, "beside follow false", "none: what is there is read once");
      }
      return new PromptSource.Feedback(node.integer(MAX, FEEDBACK_PROMPTS, 1, MAX_FEEDBACK));
    }
    if (node.has(MAX)) {
      throw node.flaw(MAX, "beside follow", "none: all that comes is learned from");
    }
    return new PromptSource.Followed(node.duration(WAIT, Duration.ZERO, MAX_WAIT));
  }

  private static PromptSource inFile(SpecNode node, PromptSource.Rows rows, String number) {
    return new PromptSource.InFile(
        node.text(rows.key(), ""), node.text(COLUMN, PROMPT_COLUMN), rows, number);
  }

  private static PromptSource.Rows rowsOf(String key) {
    return Arrays.stream(PromptSource.Rows.values())
        .filter(rows -> rows.key().equals(key))
        .findFirst()
        .orElseThrow();
  }
}
