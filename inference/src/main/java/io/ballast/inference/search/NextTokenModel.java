package io.ballast.inference.search;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/** Says which tokens most likely come next. Safe for use by many threads. */
public interface NextTokenModel {
  /**
   * A token that may come next.
   *
   * @param logProb nats, under the model as it is (temperature 1, untruncated)
   */
  record Alternative(int tokenId, float logProb) {}

  /**
   * Returns the likeliest tokens after each text, the likeliest first.
   *
   * @param texts shape [N], each of at least one token
   * @param count how many of each, at least 1; all of them if the vocabulary is smaller
   * @return shape [N]
   * @throws IllegalArgumentException if a text is empty, too long or has an id outside the
   *     vocabulary, named by its index
   */
  List<List<Alternative>> alternatives(List<TokenIds> texts, int count);
}
