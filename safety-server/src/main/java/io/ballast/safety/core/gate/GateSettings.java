package io.ballast.safety.core.gate;

import io.ballast.rl.gate.UtilityRule;
import java.util.Map;

/**
 * How the gate decides.
 *
 * @param context the model of stage 1
 * @param suggestion the model of stage 2
 * @param maxTextBytes longer prompts and suggestions are refused, in UTF-8
 * @param explains whether every decision says what moved it most; replayed ones always do
 * @param utilities of tenants whose suggestions are shown by the time that this is expected to save
 */
public record GateSettings(
    GateChoice context,
    GateChoice suggestion,
    int maxTextBytes,
    boolean explains,
    Map<String, UtilityRule> utilities) {
  /** Copies the map. */
  public GateSettings {
    utilities = Map.copyOf(utilities);
  }

  /** How it is decided which of a tenant's suggestions are shown. */
  StageRule rule(String tenant) {
    UtilityRule times = utilities.get(tenant);
    return times == null ? new StageRule.Lines() : new StageRule.TimeSaved(times);
  }
}
