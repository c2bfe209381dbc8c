package io.ballast.training.feedback;

/**
 * How feedback becomes judgements.
 *
 * @param form what it is made into
 * @param perUser the most suggestions of one user that count, the last ones, ≥ 1; all without a
 *     user are one. Who votes in bulk is not heard more than that: Han et al. 2025 (RLUF),
 *     arXiv:2505.14946
 * @param mostSuggestions that are kept in memory, the last ones, ≥ 1
 * @param mostCharacters of all texts that are kept in memory, ≥ 1
 */
public record FeedbackRules(
    FeedbackForm form, int perUser, int mostSuggestions, long mostCharacters) {
  /** Checks the ranges above. */
  public FeedbackRules {
    if (perUser < 1 || mostSuggestions < 1 || mostCharacters < 1) {
      throw new IllegalArgumentException(
          "feedback of one user: %,d; suggestions: %,d; characters: %,d (expected: ≥ 1 each)"
              .formatted(perUser, mostSuggestions, mostCharacters));
    }
  }

  /** 500 suggestions a user, 50,000 in all, of 100 million characters. */
  public static FeedbackRules of(FeedbackForm form) {
    return new FeedbackRules(form, 500, 50_000, 100_000_000);
  }

  /** The same with other bounds on suggestions. */
  public FeedbackRules with(int ofOneUser, int inAll) {
    return new FeedbackRules(form, ofOneUser, inAll, mostCharacters);
  }
}
