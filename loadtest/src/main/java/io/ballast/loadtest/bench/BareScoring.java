package io.ballast.loadtest.bench;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/**
 * An ensemble called by hand in this process, with batches as full as a server's may be, of prompts
 * that are alike in length: split texts into tokens, one pass, the cautious score. Thread-safe.
 */
final class BareScoring implements AutoCloseable {
  /** As {@code ballast.reward.batch-tokens} and {@code max-prompt-tokens} by default. */
  private static final int BATCH_TOKENS = 512;

  private static final int MAX_PROMPT_TOKENS = 96;

  /** As many prompts as 32 callers have waiting. */
  private static final int AT_HAND = 32;

  private final RewardTexts texts;
  private final int items;
  private final HuggingFaceTokenizerAdapter tokenizer;
  private final OnnxScorer scorer;
  private final ThreadLocal<Prepared> prepared = ThreadLocal.withInitial(Prepared::new);

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
    Prepared ours = prepared.get();
    while (ours.full.isEmpty()) {
      fill(ours);
    }
    List<ScoringGroup> batch = ours.full.remove();
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

  /** Batches of one thread, and what was left over and fills none. */
  private static final class Prepared {
    private final Deque<List<ScoringGroup>> full = new ArrayDeque<>();
    private List<ScoringGroup> rest = new ArrayList<>();
  }

  /** Prompts of like length side by side, as many as a batch holds with its padding. */
  private void fill(Prepared ours) {
    List<ScoringGroup> groups = ours.rest;
    while (groups.size() < AT_HAND) {
      groups.add(group());
    }
    groups.sort(Comparator.comparingInt(BareScoring::tokens));
    List<ScoringGroup> batch = new ArrayList<>();
    for (ScoringGroup group : groups) {
      if (!batch.isEmpty() && (batch.size() + 1) * tokens(group) > BATCH_TOKENS) {
        ours.full.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(group);
    }
    ours.rest = batch;
  }

  private static int tokens(ScoringGroup group) {
    return group.prompt().size() + group.completions().stream().mapToInt(TokenIds::size).sum();
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
