package io.ballast.training.reward;

import io.ballast.training.data.Judgement;
import java.time.Instant;

/** What must not be on both sides of the line between what trains and what measures. */
public enum SplitBy {
  /** Prompts: figures are of prompts that trained nothing. */
  PROMPT,
  /** Users: figures are of people whose prompts trained nothing. */
  USER,
  /** Annotators: figures are of people whose judgements trained nothing. */
  ANNOTATOR,
  /**
   * Time: figures are of prompts that somebody judged later than all that trained. A prompt stands
   * where its last judgement does.
   */
  TIME;

  /** Returns the key of a judgement; empty if its row does not tell. */
  String keyOf(Judgement judgement, String promptText) {
    return switch (this) {
      case PROMPT -> promptText;
      case USER -> judgement.source().user();
      case ANNOTATOR -> judgement.source().annotator();
      case TIME -> judgement.source().time().map(SplitBy::sortable).orElse("");
    };
  }

  /** Returns a text that is greater the later the time is; all before 1970 is one time. */
  private static String sortable(Instant time) {
    return "%019d.%09d".formatted(Math.max(0, time.getEpochSecond()), time.getNano());
  }
}
