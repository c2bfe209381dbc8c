package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.List;

/**
 * How a test's δ is shared with other tests of the same candidate: what the safety-server is told
 * before the first of them, so that it admits the others.
 *
 * @param account that the looks are counted in; empty: that of the weights alone
 * @param looks that {@code totalDelta} is shared by; 0: it is not shared
 * @param totalDelta of all of them; of this test alone where it is not shared
 */
public record DeltaShare(String account, int looks, double totalDelta) {
  private static final double ROUNDING = 1e-9;

  /**
   * Returns that of the test of one constraint.
   *
   * @param runId names the account
   * @param constraint counts from 0
   */
  public static DeltaShare of(RunSpec spec, String runId, int constraint) {
    List<ConstraintSpec> all = spec.constraints();
    int tests = all.size() * spec.safetyTest().attempts();
    double delta = all.get(constraint).test().delta();
    double sum = all.stream().mapToDouble(each -> each.test().delta()).sum();
    if (tests == 1) {
      return new DeltaShare(runId, 0, delta);
    }
    boolean equal =
        all.stream().allMatch(each -> Math.abs(each.test().delta() - delta) <= ROUNDING * delta);
    if (equal) {
      return new DeltaShare(runId, tests, sum);
    }
    // a named account has equal shares; that of the weights goes by what the first test said: all
    // of
    // them are a whole multiple of its part, or the spec is refused
    if (constraint > 0) {
      return new DeltaShare("", 0, delta);
    }
    int looks = (int) Math.ceil(sum / delta - ROUNDING);
    return new DeltaShare("", looks, delta * looks);
  }
}
