package io.ballast.kit.audit;

import io.ballast.kit.call.PinnedVersion;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/** A trail that tells which versions an operator's file lets serve. */
public interface TurnTrail {
  /** The models of which a turn is told. */
  Set<String> served();

  /**
   * Appends what serves now, where it is another than the trail told last of the model, or, of a
   * model of which it told nothing, than what served first.
   *
   * @param first by model; a model may be missing
   */
  void serving(Map<String, PinnedVersion> first, Collection<PinnedVersion> now);
}
