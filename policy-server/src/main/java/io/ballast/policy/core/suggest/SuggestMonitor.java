package io.ballast.policy.core.suggest;

import java.time.Duration;

/** Who watches suggestions being made. What it throws hurts no call. */
public interface SuggestMonitor {
  /** A suggestion was decided and recorded. */
  void answered(SuggestAnswer answer);

  /** Recording took this long. */
  void recorded(Duration duration);

  /** A caller left or its deadline passed before the answer was there. */
  void abandoned();
}
