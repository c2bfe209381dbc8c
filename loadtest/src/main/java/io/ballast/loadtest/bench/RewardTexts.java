package io.ballast.loadtest.bench;

import io.ballast.loadtest.call.LoadTexts;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the reward benchmarks have scored: prompts of some 10 to 90 tokens, of which no two are
 * alike in what a model sees of them, so that nothing that remembers answers has an answer.
 */
final class RewardTexts {
  private static final int MOST_LINES = 4;

  private final AtomicLong next = new AtomicLong();

  /** An index that was not used before. */
  long next() {
    return next.getAndIncrement();
  }

  /** The prompt of an index; its end, which is never cut, is that index's only. */
  static String prompt(long index) {
    StringBuilder prompt = new StringBuilder();
    for (long line = 0; line < index % MOST_LINES; line++) {
      int at = (int) ((index / MOST_LINES + 3 * line) % LoadTexts.PROMPTS.size());
      prompt.append(LoadTexts.PROMPTS.get(at)).append(LoadTexts.COMPLETIONS.get(at)).append('\n');
    }
    return prompt.append("    int value").append(index).append(" = ").toString();
  }

  /** A text of its own for each index: a prompt with the way it goes on. */
  static String text(long index) {
    List<String> completions = LoadTexts.COMPLETIONS;
    return prompt(index) + completions.get((int) (index % completions.size()));
  }
}
