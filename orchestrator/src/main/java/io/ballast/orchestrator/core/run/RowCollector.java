package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.Texts;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.peer.PromptArchive;
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
  private final List<String> prompts = new ArrayList<>();
  private final List<String> groups = new ArrayList<>();
  private final List<BadRow> bad = new ArrayList<>();
  private long badCount;
  private long bytes;

  /**
   * @param field the source's key, named in failures
   * @param apart prompts that may not be among them, each with what it is kept for
   */
  RowCollector(String field, Map<String, String> apart) {
    this.field = field;
    this.apart = apart;
  }

  @Override
  public void row(PromptRow row) {
    String flaw = flaw(row.prompt());
    if (flaw != null) {
      bad(new BadRow(row.number(), flaw));
      return;
    }
    bytes += Texts.utf8Bytes(row.prompt());
    if (bytes > MAX_TOTAL_BYTES) {
      throw Faults.malformed(
          field, "more than %,d bytes of prompts (expected: at most)".formatted(MAX_TOTAL_BYTES));
    }
    prompts.add(row.prompt());
    groups.add(row.group());
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
}
