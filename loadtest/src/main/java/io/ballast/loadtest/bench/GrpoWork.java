package io.ballast.loadtest.bench;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a step of GRPO is measured at: four prompts of 64 tokens, eight completions of each, 64 new
 * tokens a completion, no KL.
 */
final class GrpoWork {
  static final int PROMPTS = 4;
  static final int GROUP = 8;
  static final int PROMPT_TOKENS = 64;
  static final int NEW_TOKENS = 64;

  /** So small that the model writes in the last step as it did in the first. */
  static final double LEARNING_RATE = 1e-6;

  private GrpoWork() {}

  /**
   * What steps took.
   *
   * @param count how many they were
   * @param tokens of their completions, without those that end a text
   * @param seconds from the end of the step before to the end of the last
   */
  record Steps(int count, double tokens, double seconds) {
    double tokensPerSecond() {
      return tokens / seconds;
    }

    /** Of a completion; one that ends at once has none. */
    double meanTokens() {
      return tokens / (count * PROMPTS * GROUP);
    }
  }

  /**
   * Texts of {@link #PROMPT_TOKENS} tokens each, no two alike.
   *
   * @param model a folder with the tokenizer that counts them
   */
  static List<String> prompts(Path model, int count) {
    List<String> prompts = new ArrayList<>();
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(model)) {
      for (long index = 0; prompts.size() < count; index++) {
        TokenIds tokens = tokenizer.encode(BenchTexts.words(index, PROMPT_TOKENS));
        if (tokens.size() < PROMPT_TOKENS) {
          throw new IllegalStateException("a text has %d tokens".formatted(tokens.size()));
        }
        String end = tokenizer.decode(tokens.slice(tokens.size() - PROMPT_TOKENS, tokens.size()));
        if (tokenizer.encode(end).size() == PROMPT_TOKENS) {
          prompts.add(end);
        }
      }
    }
    return prompts;
  }
}
