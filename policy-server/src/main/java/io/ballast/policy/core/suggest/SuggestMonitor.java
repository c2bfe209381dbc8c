package io.ballast.policy.core.suggest;

import io.ballast.kit.call.PinnedVersion;
import java.util.function.Supplier;

/** Who watches suggestions being made. */
public interface SuggestMonitor {
  /** A part of the way that is worth its own time. */
  enum Phase {
    /** The candidates are generated. */
    GENERATE,
    /** Rewards and costs are asked for. */
    JUDGE,
    /** The decision is made durable. */
    RECORD
  }

  /** Runs {@code work}, which is one phase of a call, and returns what it returns. */
  <T> T watch(Phase phase, Supplier<T> work);

  /** The candidates are there; called within the phase {@link Phase#GENERATE}. */
  void generated(PinnedVersion version, Candidates candidates);

  /** A suggestion was decided and recorded. */
  void answered(SuggestAnswer answer);

  /** A caller left or its deadline passed before the answer was there. */
  void abandoned();
}
