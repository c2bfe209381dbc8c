package io.ballast.rl.algorithm;

/** What a part of an algorithm reads of a batch, and what another gives it. */
public enum Need {
  /** Several completions of the policy's for each prompt. */
  GROUPS("several completions of each prompt"),
  /** A greedy completion of each prompt, judged and not learned from. */
  GREEDY_REWARD("the reward of a greedy completion"),
  /** Completions of the reference's beside the policy's own. */
  REFERENCE_COMPLETIONS("completions of the reference beside the policy's"),
  /** Completions of which the data says what people thought. */
  LABELS("completions that come with a label"),
  /** Of each group one that is preferred and one that is not. */
  PAIRS("pairs of a chosen and a rejected completion"),
  /** Completions that are good or bad by themselves. */
  RATINGS("completions rated good or bad"),
  /** An advantage for each token. */
  ADVANTAGES("advantages"),
  /** The same advantage for all tokens of a completion. */
  ONE_ADVANTAGE("one advantage for the whole completion"),
  /** A critic's value of each token. */
  VALUES("a critic");

  private final String words;

  Need(String words) {
    this.words = words;
  }

  /** In a sentence. */
  public String words() {
    return words;
  }
}
