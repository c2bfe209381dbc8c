package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Proxies;
import io.ballast.standalone.demo.measure.Reliability;
import java.util.Map;

/**
 * What the versions did at the same fresh positions.
 *
 * @param positionsCount asked
 * @param filesCount in which they lie: the clusters of every interval
 * @param inForce before and constrained, as a person sees them
 * @param asWritten before and constrained, whatever the gate says
 * @param rewardOnly before and reward-only, whatever the gate says
 * @param proxies what the learned judges say of each version's suggestions, beside the truth
 * @param gate stage 2's probabilities against what was kept (accepted or edited), version before
 */
public record ComparisonResult(
    int positionsCount,
    int filesCount,
    Comparison inForce,
    Comparison asWritten,
    Comparison rewardOnly,
    Map<Arm, Proxies> proxies,
    Reliability gate) {
  public ComparisonResult {
    proxies = Map.copyOf(proxies);
  }

  /** A version that answers. */
  public enum Arm {
    BEFORE("before"),
    CONSTRAINED("constrained"),
    REWARD_ONLY("reward only");

    private final String title;

    Arm(String title) {
      this.title = title;
    }

    /** The name for a person. */
    public String title() {
      return title;
    }
  }
}
