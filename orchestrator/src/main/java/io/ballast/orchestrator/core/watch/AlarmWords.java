package io.ballast.orchestrator.core.watch;

import io.ballast.rl.stats.Alarm;
import java.util.Locale;

/** Alarms for a person. */
public final class AlarmWords {
  private AlarmWords() {}

  /** Returns {@code alarm} in words, such as {@code kl 0.31 over 0.30}. */
  public static String of(Alarm alarm) {
    String what =
        switch (alarm.kind()) {
          case KL_HIGH -> "kl";
          case SPREAD_GREW -> "spread";
          case ENTROPY_LOW -> "entropy";
          case LENGTH_GREW -> "length";
          case PHRASE_SPREAD -> "phrase share";
          case PROXY_GOLD_GAP -> "reward less gold";
          case LAMBDA_AT_CAP -> "λ at its cap, cost";
        };
    return String.format(Locale.ROOT, "%s %.2f over %.2f", what, alarm.observed(), alarm.limit());
  }
}
