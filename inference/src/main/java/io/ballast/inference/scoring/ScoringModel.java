package io.ballast.inference.scoring;

import io.ballast.kit.call.PinnedVersion;

/** One version of a model that scores completions, as its server describes it. */
public interface ScoringModel {
  /** Name, version, checksum of the heads. */
  PinnedVersion id();
}
