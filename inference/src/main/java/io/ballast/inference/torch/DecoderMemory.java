package io.ballast.inference.torch;

import io.ballast.inference.memory.MemoryNeed;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a decoder may come to take, by its shape and what it takes on at once.
 *
 * <p>Weights are exact, keys and values are their bounds, activations an upper estimate of one
 * step: what one block holds while it computes the most tokens that a step has, and the logits of
 * the most rows. A sequence to score that is longer than a step takes {@link #ofScoring} beside it
 * while it is scored. Sums are of doubles, exact up to 2⁵³, for what a file claims must not
 * overflow.
 */
final class DecoderMemory {
  /** Tokens of a scoring piece. */
  private static final int SCORED_TOKENS = 512;

  /** Rows of the head's pieces when sequences are scored. */
  private static final int SCORED_ROWS = 256;

  private final DecoderConfig config;
  private final ServingOptions options;
  private final LengthClasses classes;
  private final double full;
  private final double product;

  private DecoderMemory(DecoderConfig config, ServingOptions options) {
    this.config = config;
    this.options = options;
    this.classes = new LengthClasses(config, options.arithmetic().full());
    this.full = bytes(options.arithmetic().full());
    this.product = bytes(options.arithmetic().product());
  }

  /** Returns what a decoder of this shape may come to take with these options. */
  static MemoryNeed of(DecoderConfig config, ServingOptions options) {
    DecoderMemory memory = new DecoderMemory(config, options);
    return new MemoryNeed(
        (long) memory.weights(), (long) memory.keysAndValues(), (long) memory.activations());
  }

  /**
   * Returns what scoring some groups in one pass takes beyond what a decoder has anyway; no bytes
   * where they are no longer than a step, padding included.
   */
  static MemoryNeed ofScoring(
      DecoderConfig config, ServingOptions options, List<CompletionGroup> groups) {
    DecoderMemory memory = new DecoderMemory(config, options);
    double longest = groups.stream().mapToInt(PackedGroups::rowLength).max().orElse(0);
    double tokens = groups.size() * longest;
    double most = memory.mostTokens();
    if (tokens <= most) {
      return new MemoryNeed(0, 0, 0);
    }
    double copies = 2.0 * tokens * config.queryWidth() * memory.full;
    double mask = PackedGroups.isCausal(groups) ? 0 : 2 * tokens * longest * memory.full;
    double more = memory.passing(tokens) - memory.passing(most) + copies + mask;
    return new MemoryNeed(0, 0, (long) more);
  }

  private static long bytes(ScalarType type) {
    return LengthClasses.bytes(type);
  }

  /** As {@link TrainedWeights} keeps them, and the {@link RotaryTable}. */
  private double weights() {
    ParameterLayout layout = new ParameterLayout(config);
    double table = 2.0 * config.contextTokens() * config.headSize() * full;
    if (full == product) {
      return layout.size() * full + table;
    }
    double inFull = layout.embedding().size() + layout.size() - layout.matrixSize();
    return layout.matrixSize() * product + inFull * full + table;
  }

  /** No more rows run than may, none longer than the context. */
  private double keysAndValues() {
    double most = options.maxRows() * rowBytes();
    return Math.min(options.keyValueBytes(), most) + options.prefixCacheBytes();
  }

  /** Keys and values of a row that has come to the whole context. */
  private double rowBytes() {
    return (double) config.contextTokens() * classes.bytesPerToken();
  }

  private double activations() {
    double rows = Math.max(options.maxRows() + options.maxRows() / 8, SCORED_ROWS);
    double logits = rows * config.vocabularySize() * (product + 2 * full);
    // what all lanes compute in together stays, and what each but the first computes in alone
    double running = options.maxRows() * 9.0 / 8;
    double ofLane = DecodePass.MOST_ROWS;
    int lanes = options.decodeLanes();
    double kept = Math.min(running, lanes * ofLane) + (lanes - 1) * Math.min(running, ofLane);
    return passing(mostTokens()) + block(kept) + attention() + logits;
  }

  /** Of a step. */
  private double mostTokens() {
    double tokens =
        Math.max(
            Math.max(options.maxPrefillTokens(), options.maxRows() + options.stepTokens()),
            SCORED_TOKENS);
    return tokens + tokens / 8; // steps are rounded up
  }

  /** What so many tokens take on their way through the blocks. */
  private double passing(double tokens) {
    return residuals(tokens) + block(tokens);
  }

  /** The residual stream before a block and after it, what it is looked up in, and the ids. */
  private double residuals(double tokens) {
    return tokens * (3 * config.hiddenSize() * full + 2.0 * Long.BYTES);
  }

  /** What a block computes on the way; the order is that of {@link DecoderNetwork}. */
  private double block(double tokens) {
    double hidden = config.hiddenSize();
    double queries = config.queryWidth();
    double keys = config.keyValueWidth();
    double inner = config.intermediateSize();
    double norms = 2 * hidden * (full + product);
    double projected = (queries + 2 * keys) * (product + full);
    double rotated = (queries + keys) * (3 * full + product) + keys * full;
    double attended = queries * (2 * full + product) + hidden * (product + full);
    double feedForward = inner * 4 * product + hidden * (product + full);
    return tokens * (norms + projected + rotated + attended + feedForward);
  }

  /**
   * What attention of one block holds beside that: keys and values that each of several query heads
   * is given a copy of, and the mask of the longest chunk.
   */
  private double attention() {
    int groups = config.attentionHeads() / config.keyValueHeads();
    double most = Math.min(options.keyValueBytes(), options.maxRows() * rowBytes());
    double copies = groups == 1 ? 0 : most / config.layers() * groups;
    double chunk = Math.min(options.maxPrefillTokens(), config.contextTokens());
    return copies + 2.0 * chunk * config.contextTokens() * full;
  }
}
