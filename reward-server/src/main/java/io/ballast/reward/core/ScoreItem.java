package io.ballast.reward.core;

import io.ballast.inference.scoring.Content;
import java.util.Map;

/**
 * One completion to score.
 *
 * @param itemId the caller's name for it; empty: its index
 * @param path where it stands in the request, such as {@code items[3]}
 * @param references what components of a composite check it against, by name; ensembles read none
 */
public record ScoreItem(
    String itemId,
    String path,
    Content prompt,
    Content completion,
    Map<String, String> references) {
  public ScoreItem {
    references = Map.copyOf(references);
  }

  /** An item without references. */
  public ScoreItem(String itemId, String path, Content prompt, Content completion) {
    this(itemId, path, prompt, completion, Map.of());
  }

  /** The same under another name. */
  public ScoreItem named(String id) {
    return new ScoreItem(id, path, prompt, completion, references);
  }
}
