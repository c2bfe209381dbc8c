package io.ballast.inference.api;

/** Why a generation ended. */
public enum StopReason {
  /** The model produced its end-of-text token, which is not part of the completion. */
  END_OF_TEXT,
  /** The text came to contain a stop string; the text ends before it. */
  STOP_STRING,
  /** As many tokens as were asked for. */
  MAX_TOKENS,
  /** Prompt and completion fill the model's context. */
  CONTEXT_FULL,
  /** The caller left; what was generated until then is returned. */
  CANCELLED,
  /** One of the request's stop tokens, which is not part of the completion. */
  STOP_TOKEN,
  /** The text matches the request's grammar, and nothing may follow. */
  GRAMMAR_COMPLETE,
  /** Tokens or context ran out before the text matched the request's grammar. */
  GRAMMAR_INCOMPLETE
}
