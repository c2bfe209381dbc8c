package io.ballast.standalone.cli;

import io.ballast.mesh.v1.PromptCut;
import io.ballast.mesh.v1.Truncation;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** What becomes of a prompt that is longer than the model that judges sees. */
final class TruncationOptions {
  @Option(
      names = "--truncation",
      paramLabel = "SIDE",
      defaultValue = "KEEP_LAST",
      description =
          "Of a prompt that is longer than the model sees, keep the last tokens or the first, or"
              + " refuse it: ${COMPLETION-CANDIDATES} (default: KEEP_LAST).")
  private Side side = Side.KEEP_LAST;

  /** The sides, as the command line calls them. */
  enum Side {
    KEEP_LAST,
    KEEP_FIRST,
    REFUSE
  }

  /** What was chosen. */
  Truncation message() {
    return switch (side) {
      case KEEP_LAST -> Truncation.TRUNCATION_KEEP_LAST;
      case KEEP_FIRST -> Truncation.TRUNCATION_KEEP_FIRST;
      case REFUSE -> Truncation.TRUNCATION_UNSPECIFIED;
    };
  }

  /** Returns what was cut, of the prompt that lost most; nothing if none was cut. */
  static Optional<String> note(Stream<PromptCut> cuts) {
    return cuts.filter(cut -> cut.getDroppedTokens() > 0)
        .max(Comparator.comparingInt(PromptCut::getDroppedTokens))
        .map(
            cut ->
                String.format(
                    Locale.ROOT,
                    "the prompt was cut: its %s %,d of %,d tokens were seen",
                    cut.getTruncation() == Truncation.TRUNCATION_KEEP_LAST ? "last" : "first",
                    cut.getPromptTokens() - cut.getDroppedTokens(),
                    cut.getPromptTokens()));
  }
}
