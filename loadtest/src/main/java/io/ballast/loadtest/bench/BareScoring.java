package io.ballast.loadtest.bench;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An ensemble called by hand in this process, with batches as full as a server's may be: split
 * texts into tokens, one pass, the cautious score. Thread-safe.
 */
final class BareScoring implements AutoCloseable {
  /** As {@code ballast.reward.batch-tokens} and {@code max-prompt-tokens} by default. */
  private static final int BATCH_TOKENS = 512;

  private static final int MAX_PROMPT_TOKENS = 96;

  private final RewardTexts texts;
  private final int items;
  private final HuggingFaceTokenizerAdapter tokenizer;
  private final OnnxScorer scorer;

  private BareScoring(
      RewardTexts texts, int items, HuggingFaceTokenizerAdapter tokenizer, OnnxScorer scorer) {
    this.texts = texts;
    this.items = items;
    this.tokenizer = tokenizer;
    this.scorer = scorer;
  }

  /**
   * Opens an ensemble.
   *
   * @param items completions of a prompt, ≥ 1
   * @param cache where its ONNX file is written
   */
  static BareScoring open(RewardTexts texts, int items, Path trunk, Path heads, Path cache) {
    HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk);
    try {
      return new BareScoring(texts, items, tokenizer, OnnxScorer.open(trunk, heads, cache, 1));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Scores one full batch; returns its items. */
  long batch() {
    List<ScoringGroup> batch = new ArrayList<>();
    int tokens = 0;
    while (tokens < BATCH_TOKENS) {
      ScoringGroup group = group();
      batch.add(group);
      tokens += group.prompt().size() + group.completions().stream().mapToInt(TokenIds::size).sum();
    }
    long scored = 0;
    for (List<ScoreOutcome> ofPrompt : scorer.score(batch)) {
      for (ScoreOutcome outcome : ofPrompt) {
        if (!(outcome instanceof ScoreOutcome.Scored score)
            || !Double.isFinite(scorer.spec().cautious(score.scores()))) {
          throw new IllegalStateException("score: " + outcome);
        }
        scored++;
      }
    }
    return scored;
  }

  private ScoringGroup group() {
    long index = texts.next();
    return new ScoringGroup(
        tokenizer.encode(RewardTexts.prompt(index)).last(MAX_PROMPT_TOKENS),
        BenchTexts.completions(items).stream().map(tokenizer::encode).toList());
  }

  @Override
  public void close() {
    scorer.close();
    tokenizer.close();
  }
}
