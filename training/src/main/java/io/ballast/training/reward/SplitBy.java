package io.ballast.training.reward;

import io.ballast.training.data.Judgement;

/** What must not be on both sides of the line between what trains and what measures. */
public enum SplitBy {
  /** Prompts: figures are of prompts that trained nothing. */
  PROMPT,
  /** Users: figures are of people whose prompts trained nothing. */
  USER,
  /** Annotators: figures are of people whose judgements trained nothing. */
  ANNOTATOR;

  /** Returns the key of a judgement; empty if its row does not tell. */
  String keyOf(Judgement judgement, String promptText) {
    return switch (this) {
      case PROMPT -> promptText;
      case USER -> judgement.source().user();
      case ANNOTATOR -> judgement.source().annotator();
    };
  }
}
