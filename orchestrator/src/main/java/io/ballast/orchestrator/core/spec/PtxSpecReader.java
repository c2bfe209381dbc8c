package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.MAX_BAD_ROWS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PTX_COLUMN;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PTX_TEXTS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PTX_TOKENS;

import org.jspecify.annotations.Nullable;

/** Reads the section {@code ptx} of a spec. */
final class PtxSpecReader {
  private static final int MAX_TEXTS = 1_024;
  private static final String PTX = "ptx";
  private static final String FILE = "file";
  private static final String BAD_ROWS = "max_bad_rows";

  private PtxSpecReader() {}

  /** Null where nothing stands beside the loss. */
  static @Nullable PtxSpec read(SpecNode root) {
    if (!root.has(PTX)) {
      return null;
    }
    SpecNode node =
        root.child(PTX, FILE, "column", BAD_ROWS, "coefficient", "texts_per_update", "max_tokens");
    return new PtxSpec(
        new PromptSource.InFile(
            node.requiredText(FILE, "a path below the data folder: JSON lines or Parquet"),
            node.text("column", PTX_COLUMN)),
        node.integer(BAD_ROWS, Math.toIntExact(MAX_BAD_ROWS), 0, PromptSpecReader.MOST_BAD_ROWS),
        node.requiredNumber("coefficient", v -> v >= 0, "≥ 0, the weight of a token's mean"),
        node.integer("texts_per_update", PTX_TEXTS, 1, MAX_TEXTS),
        node.integer("max_tokens", PTX_TOKENS, 2, RunSpecReader.MAX_NEW_TOKENS));
  }
}
