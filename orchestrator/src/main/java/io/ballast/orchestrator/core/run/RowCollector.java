package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.Texts;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.rollout.DataTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The rows of one source: the good ones are kept, the others counted. Not thread-safe. */
final class RowCollector implements PromptArchive.Sink {
  private static final int MAX_PROMPT_BYTES = 65_536;
  private static final long MAX_TOTAL_BYTES = 64L << 20;

  private final String field;
  private final Map<String, String> apart;
  private final @Nullable DataTokens tokens;
  private final List<String> prompts = new ArrayList<>();
  private final List<Double> numbers = new ArrayList<>();
  private final List<Labels> labels = new ArrayList<>();
  private final List<String> groups = new ArrayList<>();
  private final List<BadRow> bad = new ArrayList<>();
  private long badCount;
  private long bytes;

  /**
   * @param field the source's key, named in failures
   * @param apart prompts that may not be among them, each with what it is kept for
   */
  RowCollector(String field, Map<String, String> apart) {
    this(field, apart, null);
  }

  /**
   * @param tokens what the policy would have written; null: nothing is labelled
   */
  RowCollector(String field, Map<String, String> apart, @Nullable DataTokens tokens) {
    this.field = field;
    this.apart = apart;
    this.tokens = tokens;
  }

  @Override
  public void row(PromptRow row) {
    String flaw = flaw(row.prompt());
    if (flaw == null) {
      flaw = flaw(row.labels());
    }
    if (flaw != null) {
      bad(new BadRow(row.number(), flaw));
      return;
    }
    bytes += Texts.utf8Bytes(row.prompt());
    bytes += Texts.utf8Bytes(row.labels().chosen()) + Texts.utf8Bytes(row.labels().rejected());
    if (bytes > MAX_TOTAL_BYTES) {
      throw Faults.malformed(
          field, "more than %,d bytes of prompts (expected: at most)".formatted(MAX_TOTAL_BYTES));
    }
    prompts.add(row.prompt());
    groups.add(row.group());
    numbers.add(row.difficulty());
    labels.add(row.labels());
  }

  /** What keeps labelled completions from being learned from, or null. */
  private @Nullable String flaw(Labels of) {
    if (!of.chosen().isEmpty() && of.chosen().equals(of.rejected())) {
      return "chosen and rejected are the same text (expected: two)";
    }
    String chosen = completionFlaw("chosen", of.chosen());
    return chosen == null ? completionFlaw("rejected", of.rejected()) : chosen;
  }

  private @Nullable String completionFlaw(String key, String completion) {
    if (tokens == null || completion.isEmpty()) {
      return null;
    }
    int size = Texts.utf8Bytes(completion);
    String flaw =
        size > MAX_PROMPT_BYTES
            ? "%,d bytes, limit %,d".formatted(size, MAX_PROMPT_BYTES)
            : Texts.storageFlaw(completion);
    if (flaw == null) {
      flaw = tokens.flaw(completion);
    }
    return flaw == null ? null : key + ": " + flaw;
  }

  @Override
  public void bad(BadRow row) {
    badCount++;
    if (bad.size() < ReadSource.KEPT_BAD_ROWS) {
      bad.add(row);
    }
  }

  /** What keeps a text from being a prompt, or null. */
  @Nullable String flaw(String prompt) {
    if (prompt.isEmpty()) {
      return "empty (expected: at least one character)";
    }
    int size = Texts.utf8Bytes(prompt);
    if (size > MAX_PROMPT_BYTES) {
      return "%,d bytes, limit %,d".formatted(size, MAX_PROMPT_BYTES);
    }
    String keeper = apart.get(prompt);
    return keeper == null
        ? Texts.storageFlaw(prompt)
        : "is also a prompt of %s (expected: prompts that were never trained on)".formatted(keeper);
  }

  List<String> prompts() {
    return prompts;
  }

  /** The number of each prompt, for a curriculum. */
  List<Double> numbers() {
    return numbers;
  }

  /** What people said, one for each prompt. */
  List<Labels> labels() {
    return labels;
  }

  /** One for each prompt; empty where it has none. */
  List<String> groups() {
    return groups;
  }

  /**
   * What was read, by the source's {@code name}.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first bad rows, if
   *     there are more than {@code most}
   */
  ReadSource read(String name, long most) {
    ReadSource source = new ReadSource(name, prompts.size(), badCount, bad);
    if (badCount > most) {
      throw Faults.malformed(
          field, "%s (expected: at most %,d, max_bad_rows)".formatted(source.badRows(), most));
    }
    return source;
  }

  /**
   * Looks at prompts that are held out, of which none may be left out.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first bad rows
   */
  void requireAllGood(String name) {
    if (badCount > 0) {
      ReadSource source = new ReadSource(name, prompts.size(), badCount, bad);
      throw Faults.malformed(
          field, "%s (expected: none, of prompts that are held out)".formatted(source.badRows()));
    }
  }
}
